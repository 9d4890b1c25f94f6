// Presence Lamp: shows the colour and effect it is told over USB, and says so when nobody tells it.
//
// For an Arduino Uno (ATmega328P, 16 MHz) and its relatives, an ESP32 or an RP2040 ("Pico"), with one
// RGB LED on three PWM pins, or a strip of WS2812 LEDs ("NeoPixels"). Needs no library beyond the
// Arduino core, but for NeoPixels on an ESP32 or RP2040: Adafruit NeoPixel.
//
// Lines of ASCII at 115200 baud, version 1; drivers/serial_lamp/line.py is the other end:
//   hello                        -> hello presence-lamp 1 pwm      (also said at each start)
//   show 7 ff0000 pulse 2000     -> ok 7 ff0000 pulse 2000         number, colour, effect, ms
//   ping 8                       -> ok 8 ff0000 pulse 2000         what is shown
//   bye 9                        -> ok 9 ff0000 pulse 2000         keep it, silence is on purpose
//   anything else                -> error 7 color                  the word that could not be read

#include <Arduino.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef __AVR__
#include <avr/sleep.h>
#endif

// ---- What you may change ---------------------------------------------------------------------

#ifndef NEOPIXELS
#define NEOPIXELS 0  // number of WS2812 LEDs with their data on DATA_PIN; 0: one RGB LED on PWM pins
#endif

#ifndef COMMON_ANODE
#define COMMON_ANODE 0  // 1: the LED's long leg goes to 5 V (ESP32, RP2040: 3.3 V) instead of GND
#endif

#if defined(CONFIG_IDF_TARGET_ESP32)  // 6 to 11 are its flash
const uint8_t RED_PIN = 25, GREEN_PIN = 26, BLUE_PIN = 27, DATA_PIN = 18;
#elif defined(ARDUINO_ARCH_ESP32)  // S2, S3, C3, C6
const uint8_t RED_PIN = 4, GREEN_PIN = 5, BLUE_PIN = 6, DATA_PIN = 7;
#else  // an RP2040, and the Uno: timers 1 and 2, for millis() is timer 0; bit 6 of port D
const uint8_t RED_PIN = 9, GREEN_PIN = 10, BLUE_PIN = 11, DATA_PIN = 6;
#endif

// ---- The protocol's constants ----------------------------------------------------------------

const unsigned long BAUD = 115200;
const unsigned long SILENCE_MS = 15000;  // three pings of the driver
const uint16_t FRAME_MS = 20;
const uint16_t REPEAT_MS = 1000;  // a strip whose own supply was off has forgotten its colour
const uint16_t SHORTEST_MS = 200, LONGEST_MS = 60000;
const uint16_t FLASH_EVERY_MS = 3000, FLASH_MS = 120;
const uint8_t FLASH_LEVEL = 40;  // "no bridge": a short faint white flash
const float LOWEST = 0.15;       // a pulse never goes quite dark

enum Effect : uint8_t { SOLID, BLINK, PULSE, WAITING };
const char* const EFFECT_NAMES[] = {"solid", "blink", "pulse", "waiting"};

struct Color {
  uint8_t red, green, blue;
};

struct Shown {
  Color color;
  Effect effect;
  uint16_t period_ms;
};

const Shown NO_BRIDGE = {{0, 0, 0}, WAITING, 0};

Shown shown = NO_BRIDGE;
unsigned long began_ms = 0;
unsigned long heard_ms = 0;
bool left_on_purpose = false;

char line[48];
uint8_t length = 0;
bool too_long = false;

// ---- Light -----------------------------------------------------------------------------------

#if NEOPIXELS

#define LAMP "neopixel"

#ifdef __AVR__

// One byte, highest bit first. At 16 MHz a 0 is high for 6 cycles (0.38 us), a 1 for 13 (0.81 us),
// and a bit takes 20 or 21 (1.25 us), as the data sheet of the WS2812B asks.
void sendByte(uint8_t value) {
  uint8_t bits = 8;
  asm volatile(
      "1: sbi  %[port], 6   \n"
      "   nop               \n"
      "   rjmp .+0          \n"
      "   sbrs %[value], 7  \n"
      "   cbi  %[port], 6   \n"
      "   lsl  %[value]     \n"
      "   rjmp .+0          \n"
      "   rjmp .+0          \n"
      "   nop               \n"
      "   cbi  %[port], 6   \n"
      "   rjmp .+0          \n"
      "   dec  %[bits]      \n"
      "   brne 1b           \n"
      : [value] "+r"(value), [bits] "+r"(bits)
      : [port] "I"(_SFR_IO_ADDR(PORTD)));
}

void setUpLight() { pinMode(DATA_PIN, OUTPUT); }

// Interrupts wait for one LED (30 us), less than a byte takes on the serial line (87 us).
void writeLight(Color color) {
  for (uint16_t led = 0; led < NEOPIXELS; led++) {
    noInterrupts();
    sendByte(color.green);
    sendByte(color.red);
    sendByte(color.blue);
    interrupts();
  }
}

#else

#include <Adafruit_NeoPixel.h>

Adafruit_NeoPixel strip(NEOPIXELS, DATA_PIN);

void setUpLight() { strip.begin(); }

void writeLight(Color color) {
  strip.fill(Adafruit_NeoPixel::Color(color.red, color.green, color.blue));
  strip.show();
}

#endif

#else

#define LAMP "pwm"

void setUpLight() {
  pinMode(RED_PIN, OUTPUT);
  pinMode(GREEN_PIN, OUTPUT);
  pinMode(BLUE_PIN, OUTPUT);
}

void writeChannel(uint8_t pin, uint8_t level) { analogWrite(pin, COMMON_ANODE ? 255 - level : level); }

void writeLight(Color color) {
  writeChannel(RED_PIN, color.red);
  writeChannel(GREEN_PIN, color.green);
  writeChannel(BLUE_PIN, color.blue);
}

#endif

uint8_t scaled(uint8_t channel, float level) { return (uint8_t)(channel * level + 0.5); }

Color frameAt(unsigned long elapsed_ms) {
  if (shown.effect == WAITING) {
    uint8_t level = elapsed_ms % FLASH_EVERY_MS < FLASH_MS ? FLASH_LEVEL : 0;
    return {level, level, level};
  }
  float level = 1.0;
  if (shown.effect != SOLID) {
    float phase = (float)(elapsed_ms % shown.period_ms) / shown.period_ms;
    if (shown.effect == BLINK)
      level = phase < 0.5 ? 1.0 : 0.0;
    else
      level = LOWEST + (1.0 - LOWEST) * (1.0 + cos(2 * PI * phase)) / 2;
  }
  return {scaled(shown.color.red, level), scaled(shown.color.green, level),
          scaled(shown.color.blue, level)};
}

void draw(unsigned long now_ms) {
  static unsigned long drawn_ms = 0, written_ms = 0;
  static Color drawn = {0, 0, 0};
  static bool first = true;
  if (!first && now_ms - drawn_ms < FRAME_MS) return;
  drawn_ms = now_ms;
  Color color = frameAt(now_ms - began_ms);
  bool same = memcmp(&color, &drawn, sizeof color) == 0;
  if (!first && same && now_ms - written_ms < REPEAT_MS) return;
  first = false;
  drawn = color;
  written_ms = now_ms;
  writeLight(color);
}

void show(const Shown& wanted, unsigned long now_ms) {
  shown = wanted;
  began_ms = now_ms;
}

// ---- Protocol --------------------------------------------------------------------------------

void sayHello() { Serial.println(F("hello presence-lamp 1 " LAMP)); }

void sayError(uint8_t number, const __FlashStringHelper* word) {
  Serial.print(F("error "));
  Serial.print(number);
  Serial.print(' ');
  Serial.println(word);
}

void printColor(Color color) {
  const char* const DIGITS = "0123456789abcdef";
  const uint8_t channels[] = {color.red, color.green, color.blue};
  for (uint8_t channel : channels) {
    Serial.print(DIGITS[channel >> 4]);
    Serial.print(DIGITS[channel & 15]);
  }
}

void sayOk(uint8_t number) {
  Serial.print(F("ok "));
  Serial.print(number);
  Serial.print(' ');
  printColor(shown.color);
  Serial.print(' ');
  Serial.print(EFFECT_NAMES[shown.effect]);
  Serial.print(' ');
  Serial.println(shown.period_ms);
}

// A whole number that is all of the word and no more than most.
bool readNumber(const char* word, unsigned long most, unsigned long& value) {
  if (!word || *word < '0' || *word > '9') return false;
  char* end;
  value = strtoul(word, &end, 10);
  return *end == '\0' && value <= most;
}

bool readColor(const char* word, Color& color) {
  if (!word || strlen(word) != 6 || strspn(word, "0123456789abcdef") != 6) return false;
  unsigned long value = strtoul(word, nullptr, 16);
  color = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
  return true;
}

bool readEffect(const char* word, Effect& effect) {
  for (uint8_t known = SOLID; word && known <= PULSE; known++) {
    if (strcmp(word, EFFECT_NAMES[known]) == 0) {
      effect = (Effect)known;
      return true;
    }
  }
  return false;
}

// The words after "show 7"; says what is wrong with them.
bool readShown(uint8_t number, Shown& wanted) {
  unsigned long period_ms;
  if (!readColor(strtok(nullptr, " "), wanted.color)) {
    sayError(number, F("color"));
  } else if (!readEffect(strtok(nullptr, " "), wanted.effect)) {
    sayError(number, F("effect"));
  } else if (!readNumber(strtok(nullptr, " "), LONGEST_MS, period_ms) || period_ms < SHORTEST_MS) {
    sayError(number, F("period"));
  } else {
    wanted.period_ms = period_ms;
    return true;
  }
  return false;
}

void obey(unsigned long now_ms) {
  const char* command = strtok(line, " ");
  if (!command) return;
  bool bye = strcmp(command, "bye") == 0;
  if (strcmp(command, "hello") == 0) {
    sayHello();
  } else {
    unsigned long number;
    Shown wanted;
    if (!readNumber(strtok(nullptr, " "), 255, number)) return sayError(0, F("number"));
    if (strcmp(command, "show") == 0) {
      if (!readShown(number, wanted)) return;
      show(wanted, now_ms);
    } else if (!bye && strcmp(command, "ping") != 0) {
      return sayError(number, F("command"));
    }
    sayOk(number);
  }
  heard_ms = now_ms;
  left_on_purpose = bye;
}

void hear(unsigned long now_ms) {
  while (Serial.available() > 0) {
    char next = Serial.read();
    if (next == '\r') continue;
    if (next != '\n') {
      too_long |= length == sizeof line - 1;
      if (!too_long) line[length++] = next;
      continue;
    }
    line[length] = '\0';
    if (too_long)
      sayError(0, F("length"));
    else
      obey(now_ms);
    length = 0;
    too_long = false;
  }
}

// ---- Arduino ---------------------------------------------------------------------------------

void setup() {
  setUpLight();
  Serial.begin(BAUD);
  sayHello();
}

void loop() {
  unsigned long now_ms = millis();
  hear(now_ms);
  if (!left_on_purpose && shown.effect != WAITING && now_ms - heard_ms >= SILENCE_MS)
    show(NO_BRIDGE, now_ms);
  draw(now_ms);
#ifdef __AVR__
  set_sleep_mode(SLEEP_MODE_IDLE);  // until the next interrupt, a millisecond away at the most
  sleep_mode();
#else
  delay(1);
#endif
}
