// An Arduino Uno that runs a compiled sketch: its serial port is a pty, its lamp can be read.
//
//   board_uno SKETCH.elf LINK [--neopixels]
//
// LINK becomes a symbolic link to the pty. As on a real Uno, opening the port resets the board,
// which is then deaf for a while (its bootloader). Commands on stdin, each answered by "> ..." on
// stdout:
//   lamp         colours: "> 255 0 0", one "r g b" per LED, separated by commas
//   hold, run    stop and go on; a running board keeps pace with real time
//   skip MS      let MS milliseconds of the board pass at once
//   reset        press the button
//   blackout     the strip loses what it shows, as without its own supply
//   unplug, plug
//
// Built with: gcc board_uno.c -I/usr/include/simavr -lsimavr -lelf

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <avr_ioport.h>
#include <avr_uart.h>
#include <sim_avr.h>
#include <sim_elf.h>

enum { MHZ = 16, BOOT_MS = 300, MOST_LEDS = 64, SLICE_US = 1000 };
enum { ONE_CYCLES = 9, LATCH_CYCLES = 50 * MHZ };  // WS2812B: 0.4 us is a 0, 0.8 us a 1

static avr_t *avr;
static const char *link_path;
static int master = -1;
static bool opened, may_receive = true, held, neopixels;
static long deaf_us;

static unsigned char incoming[4096];
static size_t incoming_from, incoming_to;

static unsigned char pixels[MOST_LEDS * 3];
static size_t pixel_bits, pixel_count;
static avr_cycle_count_t rose, fell;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

// ---- serial port

static void plug(void) {
  master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (master < 0 || grantpt(master) || unlockpt(master)) fail("pty");
  const char *name = ptsname(master);
  int slave = open(name, O_RDWR | O_NOCTTY);
  if (slave < 0) fail(name);
  struct termios raw;
  tcgetattr(slave, &raw);
  cfmakeraw(&raw);
  tcsetattr(slave, TCSANOW, &raw);
  close(slave);  // from now on the master hangs up while nobody has the port open
  unlink(link_path);
  if (symlink(name, link_path)) fail(link_path);
  opened = false;
}

static void unplug(void) {
  close(master);
  master = -1;
  unlink(link_path);
}

static void reset(void) {
  avr_reset(avr);
  deaf_us = BOOT_MS * 1000L;
  incoming_from = incoming_to = 0;
  may_receive = true;
}

static void watch_port(void) {
  if (master < 0) return;
  struct pollfd port = {.fd = master, .events = POLLIN};
  poll(&port, 1, 0);
  bool is_open = !(port.revents & POLLHUP);
  if (is_open && !opened) reset();
  opened = is_open;
  if (!opened || !(port.revents & POLLIN)) return;
  if (incoming_from == incoming_to) incoming_from = incoming_to = 0;
  ssize_t count = read(master, incoming + incoming_to, sizeof incoming - incoming_to);
  if (count > 0 && deaf_us <= 0) incoming_to += count;
}

static void take_byte(avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)param;
  unsigned char byte = value;
  if (master >= 0 && opened && write(master, &byte, 1) != 1) perror("pty write");
}

static void feed(avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)value, (void)param;
  may_receive = true;
}

static void stop_feeding(avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq, (void)value, (void)param;
  may_receive = false;
}

static void connect_uart(void) {
  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  uint32_t uart = AVR_IOCTL_UART_GETIRQ('0');
  avr_irq_register_notify(avr_io_getirq(avr, uart, UART_IRQ_OUTPUT), take_byte, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, uart, UART_IRQ_OUT_XON), feed, NULL);
  avr_irq_register_notify(avr_io_getirq(avr, uart, UART_IRQ_OUT_XOFF), stop_feeding, NULL);
}

// ---- lamp

static void take_edge(avr_irq_t *irq, uint32_t level, void *param) {
  (void)irq, (void)param;
  if (level) {
    if (avr->cycle - fell > LATCH_CYCLES) pixel_bits = 0;
    rose = avr->cycle;
    return;
  }
  fell = avr->cycle;
  size_t byte = pixel_bits / 8;
  if (byte >= sizeof pixels) return;
  pixels[byte] = pixels[byte] << 1 | (fell - rose >= ONE_CYCLES);
  pixel_count = ++pixel_bits / 24;
}

// 0 to 255 as seen on a pin: its duty where its timer drives it, else its level.
static int duty(int port_bit, int control, int compare_bit, int clock, int compare) {
  const unsigned char *data = avr->data;
  enum { DDRB = 0x24, PORTB = 0x25 };
  if (!(data[DDRB] & 1 << port_bit)) return 0;
  if (data[control] & 1 << compare_bit) return data[clock] & 7 ? data[compare] : 0;
  return data[PORTB] & 1 << port_bit ? 255 : 0;
}

static void tell_lamp(void) {
  printf("> ");
  if (!neopixels) {
    enum { TCCR1A = 0x80, TCCR1B, OCR1A = 0x88, OCR1B = 0x8a };
    enum { TCCR2A = 0xb0, TCCR2B, OCR2A = 0xb3 };
    printf("%d ", duty(1, TCCR1A, 7, TCCR1B, OCR1A));   // pin 9
    printf("%d ", duty(2, TCCR1A, 5, TCCR1B, OCR1B));   // pin 10
    printf("%d\n", duty(3, TCCR2A, 7, TCCR2B, OCR2A));  // pin 11
    return;
  }
  for (size_t led = 0; led < pixel_count; led++) {
    unsigned char *grb = pixels + 3 * led;
    printf("%s%d %d %d", led ? "," : "", grb[1], grb[0], grb[2]);
  }
  printf("\n");
}

// ---- time

static void no_sleep(avr_t *sleeping, avr_cycle_count_t cycles) {
  (void)sleeping, (void)cycles;
}

static void pass(long us) {
  if (deaf_us > 0) {
    deaf_us -= us;
    return;
  }
  avr_cycle_count_t until = avr->cycle + (avr_cycle_count_t)us * MHZ;
  while (avr->cycle < until) {
    if (may_receive && incoming_from < incoming_to)
      avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT),
                    incoming[incoming_from++]);
    int state = avr_run(avr);
    if (state == cpu_Crashed || state == cpu_Done) fail("the sketch crashed");
  }
}

static long now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

// ---- commands

static void obey(char *command) {
  if (!strcmp(command, "lamp")) return tell_lamp();
  if (!strncmp(command, "skip ", 5)) {
    for (long ms = atol(command + 5); ms > 0; ms--) {
      watch_port();
      pass(1000);
    }
  } else if (!strcmp(command, "hold") || !strcmp(command, "run")) {
    held = command[0] == 'h';
  } else if (!strcmp(command, "unplug")) {
    unplug();
  } else if (!strcmp(command, "reset")) {
    reset();
  } else if (!strcmp(command, "blackout")) {
    memset(pixels, 0, sizeof pixels);
  } else if (!strcmp(command, "plug")) {
    reset();
    plug();
  } else {
    printf("> unknown: %s\n", command);
    return;
  }
  printf("> done\n");
}

static void take_commands(void) {
  static char text[256];
  static size_t length;
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  if (poll(&input, 1, 0) <= 0) return;
  ssize_t count = read(STDIN_FILENO, text + length, sizeof text - 1 - length);
  if (count <= 0) exit(0);  // whoever started us is gone
  length += count;
  char *end;
  while ((end = memchr(text, '\n', length))) {
    *end = '\0';
    obey(text);
    length -= end + 1 - text;
    memmove(text, end + 1, length);
  }
}

int main(int count, char **words) {
  if (count < 3) return fprintf(stderr, "usage: board_uno SKETCH.elf LINK [--neopixels]\n"), 2;
  link_path = words[2];
  neopixels = count > 3 && !strcmp(words[3], "--neopixels");
  setvbuf(stdout, NULL, _IOLBF, 0);
  elf_firmware_t sketch = {0};
  if (elf_read_firmware(words[1], &sketch)) fail(words[1]);
  avr = avr_make_mcu_by_name("atmega328p");
  if (!avr) fail("simavr");
  avr_init(avr);
  strcpy(sketch.mmcu, "atmega328p");
  sketch.frequency = MHZ * 1000000;
  avr_load_firmware(avr, &sketch);
  avr->sleep = no_sleep;
  connect_uart();
  avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('D'), 6), take_edge, NULL);
  plug();
  printf("> ready\n");
  long board_us = now_us();
  while (true) {
    take_commands();
    watch_port();
    long behind = now_us() - board_us;
    if (held || behind < SLICE_US) {
      if (held) board_us = now_us();
      usleep(SLICE_US);
      continue;
    }
    if (behind > 100 * SLICE_US) board_us = now_us() - SLICE_US;  // a slow machine: do not race
    pass(SLICE_US);
    board_us += SLICE_US;
  }
}
