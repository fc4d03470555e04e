// The report in a real browser: it complains about nothing, asks the network for nothing, its
// charts have a size and colours, in light and dark, on paper and under the pointer. With
// KEELSON_REPORT_PICTURES=FOLDER it leaves screenshots and the PDF there, for people to judge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sim/lab/report/html.hpp"
#include "tests/lab/browser.hpp"
#include "tests/lab/made_study.hpp"
#include "tests/support/missing_tool.hpp"

namespace keelson::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class BrowserTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    browser_ = Browser::start(&why);
    if (!browser_) KEELSON_TOOL_IS_MISSING(why);
    file_ = ::testing::TempDir() + "keelson-report-" + std::to_string(getpid()) + ".html";
  }
  void TearDown() override {
    std::error_code ignored;
    if (!file_.empty()) std::filesystem::remove(file_, ignored);
  }
  void open(const Study& study, bool dark) {
    std::ofstream(file_) << html_report(study);
    browser_->emulate(1280, 900, dark);
    ASSERT_TRUE(browser_->open("file://" + file_));
  }
  void keep(const std::string& name, const std::string& bytes) {
    const char* folder = std::getenv("KEELSON_REPORT_PICTURES");
    if (folder) std::ofstream(std::string(folder) + "/" + name, std::ios::binary) << bytes;
  }
  std::string text(const std::string& expression) {
    const boost::json::value value = browser_->evaluate(expression);
    return value.is_string() ? std::string(value.get_string()) : boost::json::serialize(value);
  }
  void expect_clean() {
    EXPECT_THAT(browser_->complaints(), IsEmpty());
    // "data:," is the empty icon, which keeps browsers from asking for one.
    for (const std::string& url : browser_->requests()) {
      EXPECT_TRUE(url == "file://" + file_ || url.starts_with("data:")) << url;
    }
    EXPECT_FALSE(browser_->requests().empty());
  }

  std::unique_ptr<Browser> browser_;
  std::string file_;
};

// The contrast of two colours by the rule of WCAG 2 (relative luminance), smallest over all
// elements that match, against the page. Written in the page's language, because only the browser
// knows colours.
constexpr const char* kContrast = R"((selector, property) => {
  const channels = (c) => c.match(/[\d.]+/g).slice(0, 3).map(Number);
  const light = (c) => channels(c).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const page = light(getComputedStyle(document.body).backgroundColor);
  return Math.min(...[...document.querySelectorAll(selector)].map((e) => light(getComputedStyle(e)[property]))
      .map((v) => (Math.max(v, page) + 0.05) / (Math.min(v, page) + 0.05)));
})";

TEST_F(BrowserTest, LightAndDark) {
  for (const bool dark : {false, true}) {
    open(made_study(5, 42, 51), dark);
    expect_clean();
    // Every chart is seen: it has a size, and its lines run through all of it.
    EXPECT_EQ(text("[...document.querySelectorAll('svg.chart')].length"), "3");
    EXPECT_EQ(text("[...document.querySelectorAll('svg.chart')].every((s) => "
                   "s.getBoundingClientRect().width > 400 && "
                   "s.getBoundingClientRect().height > 200 && "
                   "s.querySelectorAll('path.line').length === 5 && "
                   "[...s.querySelectorAll('path.line')].every((p) => p.getTotalLength() > 200))"),
              "true");
    EXPECT_EQ(text("[...document.querySelectorAll('.maps svg')].length"), "15");
    // Nothing is wider than the page, and no label leaves its drawing.
    EXPECT_EQ(text("document.documentElement.scrollWidth <= innerWidth"), "true");
    EXPECT_EQ(text("[...document.querySelectorAll('svg.chart text')].filter((t) => { const a = "
                   "t.getBoundingClientRect(), "
                   "b = t.closest('svg').getBoundingClientRect(); return a.left < b.left - 1 || "
                   "a.right > b.right + 1 || "
                   "a.top < b.top - 1 || a.bottom > b.bottom + 1; }).map((t) => t.textContent)"),
              "[]");
    EXPECT_EQ(text("getComputedStyle(document.body).backgroundColor"),
              dark ? "rgb(20, 23, 27)" : "rgb(255, 255, 255)");
    const std::string contrast = "(" + std::string(kContrast) + ")";
    for (const char* words : {"body", ".note", ".good", ".bad", "summary"}) {
      EXPECT_EQ(text(contrast + "('" + words + "', 'color') >= 4.5"), "true")
          << words << (dark ? " dark" : " light");
    }
    EXPECT_EQ(text(contrast + "('svg .tick', 'fill') >= 4.5"), "true");
    EXPECT_EQ(text(contrast + "('path.line', 'stroke') >= 3"), "true");
    keep(dark ? "dark.png" : "light.png", browser_->screenshot());
  }
}

TEST_F(BrowserTest, ValuesUnderThePointerAndByKeys) {
  open(made_study(3, 42, 46), false);
  const auto number = [&](const std::string& e) {
    return browser_->evaluate(e).to_number<double>();
  };
  text("document.querySelector('svg.chart').scrollIntoView()");
  const double x = number(
      "(() => { const b = document.querySelector('svg.chart').getBoundingClientRect(); return "
      "b.left + b.width / 2; })()");
  const double y = number(
      "(() => { const b = document.querySelector('svg.chart').getBoundingClientRect(); return "
      "b.top + b.height / 2; })()");
  browser_->move_pointer(x, y);
  const std::string tip = text("document.querySelector('.tip').innerText");
  for (const char* name : {"Policy0", "Policy1", "Policy2"}) EXPECT_THAT(tip, HasSubstr(name));
  EXPECT_EQ(text("document.querySelector('.tip').hidden"), "false");
  keep("tip.png", browser_->screenshot());
  browser_->move_pointer(1, 1);
  EXPECT_EQ(text("document.querySelector('.tip').hidden"), "true");
  // Load 26 of 130 is a fifth of the way: ten steps of a key.
  text(
      "(() => { const s = document.querySelector('svg.chart'); s.focus(); "
      "for (const key of ['Home', ...Array(10).fill('ArrowRight')]) s.dispatchEvent(new "
      "KeyboardEvent('keydown', {key})); })()");
  EXPECT_THAT(text("document.querySelector('.tip').innerText"), HasSubstr("26"));
  // The first node of the first map.
  text("document.querySelector('.maps svg').scrollIntoView()");
  const double left =
      number("document.querySelector('.maps svg').getBoundingClientRect().left + 3");
  const double top = number("document.querySelector('.maps svg').getBoundingClientRect().top + 3");
  browser_->move_pointer(left, top);
  EXPECT_THAT(text("document.querySelector('.maps .tip').textContent"), StartsWith("node-0: "));
  expect_clean();
}

TEST_F(BrowserTest, NarrowScreensAndPaper) {
  Study study = made_study(4, 1, 3);
  for (std::size_t i = 0; i < 4; ++i) {
    study.plan.variants[i].policy = i % 2 == 0 ? "BestFit" : "FGD";
    study.plan.variants[i].settings = {{"nodes", i < 2 ? "30" : "60"}};
  }
  open(study, true);
  EXPECT_EQ(text("document.querySelectorAll('svg.chart').length"),
            "6");  // a chart more for each metric
  expect_clean();
  const std::string pdf = browser_->print();
  EXPECT_THAT(pdf.substr(0, 5), "%PDF-");
  keep("print.pdf", pdf);
  keep("sweep.png", browser_->screenshot());
  browser_->emulate(390, 844, false);
  EXPECT_EQ(text("document.documentElement.scrollWidth <= innerWidth"), "true");
  keep("narrow.png", browser_->screenshot());
}

}  // namespace
}  // namespace keelson::lab
