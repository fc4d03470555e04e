// Events, which come in two dialects: older reporters count and fill in source and the two
// timestamps, newer ones have eventTime, a series and the reporting fields.
#include <array>

#include "core/rest/tables/printer.hpp"

namespace keelson::rest {
namespace {

using api::Event;

constexpr std::array event_columns = {
    Column{"Last Seen", "string", "", "How long ago it happened last.", 0},
    Column{"Type", "string", "", "Normal, or Warning if somebody should look.", 0},
    Column{"Reason", "string", "", "What happened, in one word.", 0},
    Column{"Object", "string", "", "The object that it happened to.", 0},
    Column{"Subobject", "string", "",
           "The part of the object that it happened to, like spec.containers{web}.", 1},
    Column{"Source", "string", "", "Who reported it, and where.", 1},
    Column{"Message", "string", "", "What happened, in a sentence.", 0},
    Column{"First Seen", "string", "", "How long ago it happened first.", 1},
    Column{"Count", "string", "", "How often it happened.", 1},
    Column{"Name", "string", "name", name_column.description, 1},
};

std::string first_seen(const Event& event, WallTime now) {
  if (event.has_first_timestamp()) return since(event.first_timestamp(), now);
  if (event.has_event_time()) return since(event.event_time(), now);
  return std::string(unknown);
}

std::string last_seen(const Event& event, WallTime now) {
  if (event.has_series()) {
    if (!event.series().has_last_observed_time()) return std::string(unknown);
    return since(event.series().last_observed_time(), now);
  }
  if (event.has_last_timestamp()) return since(event.last_timestamp(), now);
  return first_seen(event, now);
}

int64_t count_of(const Event& event) {
  if (event.has_series()) return event.series().count();
  return event.count() == 0 ? 1 : event.count();  // newer reporters do not count what is single
}

std::string target_of(const Event& event) {
  std::string text = lower_case(event.involved_object().kind());
  if (!event.involved_object().name().empty()) text += "/" + event.involved_object().name();
  return text;
}

std::string source_of(const Event& event) {
  const api::EventSource& source = event.source();
  const std::string& who =
      source.component().empty() ? event.reporting_component() : source.component();
  const std::string& where = source.host().empty() ? event.reporting_instance() : source.host();
  return where.empty() ? who : who + ", " + where;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\n\v\f\r";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) + 1 - first);
}

void print_event(const Event& event, Cells& cells) {
  cells.text(last_seen(event, cells.now()));
  cells.text(event.type());
  cells.text(event.reason());
  cells.text(target_of(event));
  cells.text(event.involved_object().field_path());
  cells.text(source_of(event));
  cells.text(trimmed(event.message()));
  cells.text(first_seen(event, cells.now()));
  cells.number(count_of(event));
  cells.text(event.metadata().name());
}

}  // namespace

Printer event_printer() { return {event_columns, print_as<Event, print_event>}; }

}  // namespace keelson::rest
