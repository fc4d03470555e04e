// int(100 / (1 + exp(-x))) without exp(), whose last bits differ between libraries: the score is the
// number of steps that x has passed. Steps: ln(k / (100 - k)) for k = 51..99 and, mirrored, below.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace keelson::scheduler {

inline constexpr std::array<double, 49> kSigmoidSteps{
    0.04000533461369916, 0.08004270767353643, 0.12014431184206325, 0.16034265007517938, 0.20067069546215116,
    0.24116205681688807, 0.28185115214098773, 0.32277339226305103, 0.36396537720141165, 0.40546510810816438,
    0.44731221804366482, 0.48954822531870579, 0.53221681374730824, 0.57536414490356185, 0.61903920840622343,
    0.66329421741026416, 0.70818505792448582, 0.75377180237638015, 0.80011930011211314, 0.84729786038720361,
    0.89538404705484139, 0.94446160884085139, 0.99462257514406205, 1.04596855518268771, 1.09861228866810969,
    1.15267950993838546, 1.20831120592453416, 1.26566637333127588, 1.32492541474359850, 1.38629436111989062,
    1.45001017550599831, 1.51634748936808842, 1.58562726374038184, 1.65822807660353238, 1.73460105538810639,
    1.81528996663824912, 1.90095876119304698, 1.99243016469020616, 2.09074109693376929, 2.19722457733621938,
    2.31363492918063066, 2.44234703536920438, 2.58668934409794263, 2.75153531304194890, 2.94443897916644046,
    3.17805383034794562, 3.47609868983527313, 3.89182029811062661, 4.59511985013458993,
};

inline int32_t percent_sigmoid(double x) {
  const auto passed = [](double value) {
    return static_cast<int32_t>(
        std::upper_bound(kSigmoidSteps.begin(), kSigmoidSteps.end(), value) -
        kSigmoidSteps.begin());
  };
  if (x >= 0) return 50 + passed(x);
  // Just below zero double arithmetic does not see the difference: 1 + exp(-x) rounds to 2.
  if (x > -0x1.8p-52) return 50;
  // 49 down to 0: a step counts while x has not fallen below it.
  const auto below = std::lower_bound(kSigmoidSteps.begin(), kSigmoidSteps.end(), -x);
  return 49 - static_cast<int32_t>(below - kSigmoidSteps.begin());
}

}  // namespace keelson::scheduler
