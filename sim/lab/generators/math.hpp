// Elementary functions with the same bits on every machine and compiler. The C library's differ in
// their last bits between versions; these use additions, multiplications, divisions and square roots
// only, which IEEE 754 defines exactly (the build forbids contraction into fused operations).
#pragma once

namespace keelson::lab {

// Relative error below 1e-14 in the range that generators use (|x| < 700; x > 0).
double exact_exp(double x);
double exact_log(double x);
// x^y for x > 0.
inline double exact_pow(double x, double y) {
  return exact_exp(y * exact_log(x));
}

}  // namespace keelson::lab
