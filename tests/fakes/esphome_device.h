// What the lambdas of packaging/esphome use of ESPHome, for a program that runs here. It reads its
// messages from stdin and says after each what is decided and what is shown.
//   text TOPIC PAYLOAD | json TOPIC KEY=VALUE ... | lost | wait SECONDS      (tabs between)
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

struct Value {
  const std::string *text;
  const char *operator|(const char *other) const { return text ? text->c_str() : other; }
};

struct JsonObject {
  std::map<std::string, std::string> fields;
  Value operator[](const char *key) const {
    const auto found = fields.find(key);
    return {found == fields.end() ? nullptr : &found->second};
  }
};

static bool matches(const std::string &filter, const std::string &topic) {
  const auto plus = filter.find('+');
  if (plus == std::string::npos) return filter == topic;
  const auto rest = filter.substr(plus + 1);
  if (topic.compare(0, plus, filter, 0, plus) != 0 || topic.size() < filter.size()) return false;
  const auto level = topic.substr(plus, topic.size() - plus - rest.size());
  return topic.substr(plus + level.size()) == rest && level.find('/') == std::string::npos;
}

struct Broker {
  using Heard = std::function<void(const std::string &, JsonObject)>;
  std::vector<std::pair<std::string, Heard>> heard;
  void subscribe_json(const std::string &filter, const Heard &callback, uint8_t) {
    heard.emplace_back(filter, callback);
  }
};

[[maybe_unused]] static Broker broker;
static std::string shown;

struct Call {
  std::ostringstream said;
  void set_state(bool on) { said << (on ? "on" : "off"); }
  void set_rgb(float red, float green, float blue) { said << " " << red << " " << green << " " << blue; }
  void set_brightness(float brightness) { said << " " << brightness; }
  void set_effect(const char *effect) { said << " " << effect; }
  void perform() { shown = said.str(); }
};

[[maybe_unused]] static struct Lamp {
  Call make_call() { return {}; }
} lamp;

static long now_s = 0;
static std::map<std::string, std::pair<long, std::function<void()>>> timers;

[[maybe_unused]] static void later(const std::string &script, long after_s, std::function<void()> then) {
  timers[script] = {now_s + after_s, std::move(then)};
}

static void pass(long seconds) {
  for (now_s += seconds; !timers.empty();) {
    auto due = timers.begin();
    for (auto timer = due; timer != timers.end(); ++timer)
      if (timer->second.first < due->second.first) due = timer;
    if (due->second.first > now_s) return;
    const auto then = due->second.second;
    timers.erase(due);
    then();
  }
}
