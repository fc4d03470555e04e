#include "sim/lab/report/html.hpp"

#include <fmt/format.h>

#include "sim/lab/json_writer.hpp"
#include "sim/lab/report/chart.hpp"
#include "sim/lab/report/parts.hpp"

namespace keelson::lab {

namespace {

std::string seeds_text(const Plan& plan) {
  if (plan.seeds() == 1) return fmt::format("seed {}", plan.first_seed);
  return fmt::format("seeds {} to {}", plan.first_seed, plan.last_seed);
}

std::string header(const Study& study) {
  const Plan& plan = study.plan;
  std::string out = "<header><h1>" + escape_html(plan.name) + "</h1>";
  if (!plan.description.empty())
    out += "<p class=\"lead-in\">" + escape_html(plan.description) + "</p>";
  out += fmt::format("<p>{}; {} {}, {}.</p>", escape_html(plan.workload), plan.variants.size(),
                     plan.variants.size() == 1 ? "variant" : "variants", seeds_text(plan));
  if (!study.complete()) {
    out += fmt::format(
        "<p class=\"warning\">{} of {} runs are missing: what follows is of those that were "
        "made.</p>",
        plan.runs() - study.runs.size(), plan.runs());
  }
  return out + "</header>";
}

std::string variants(const Plan& plan) {
  std::string out =
      "<section><h2>What was compared</h2><div class=\"scroll\"><table "
      "class=\"variants\"><thead><tr>"
      "<th scope=\"col\">Policy</th><th scope=\"col\">Defined by</th></tr></thead><tbody>";
  for (std::size_t i = 0; i < plan.variants.size(); ++i) {
    out += fmt::format(
        "<tr><th scope=\"row\"><svg class=\"swatch\" viewBox=\"0 0 24 11\" "
        "aria-hidden=\"true\"><line class=\"c{} d{}\" "
        "x2=\"24\" y1=\"6\" y2=\"6\"/></svg>{}</th><td>{}</td></tr>",
        i % 8, i / 4 % 4, escape_html(label_of(plan, i)), escape_html(plan.variants[i].source));
  }
  return out + "</tbody></table></div></section>";
}

std::string again(const Study& study) {
  return fmt::format(
      "<section><h2>To run it again</h2><pre>{}</pre><p class=\"note\">The same inputs give the "
      "same results to the last bit, "
      "on any machine: inputs <code>{}</code>, decisions <code>{}</code>. All values of every run "
      "are in the JSON file that "
      "<code>--json</code> writes.</p></section>",
      escape_html(study.plan.command), hash_text(study.plan.inputs), hash_text(study.hash()));
}

}  // namespace

std::string html_report(const Study& study) {
  const std::vector<MetricTable> tables = compare(study);
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta name=\"generator\" content=\"keelson\"><link rel=\"icon\" href=\"data:,\"><title>" +
      escape_html(study.plan.name) + "</title>\n<style>\n";
  out += style_sheet();
  out += "</style></head>\n<body>\n" + header(study) + "\n<main>\n" + variants(study.plan) + "\n" +
         summary_html(study, tables) + "\n" + figures_html(study, tables) + "\n" +
         heat_maps_html(study) + "\n" + again(study) + "\n</main>\n<script>\n";
  out += script();
  return out + "</script>\n</body></html>\n";
}

}  // namespace keelson::lab
