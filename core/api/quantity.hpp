// Resource quantities: "100m", "1.5Gi", "2e3". Exact decimal arithmetic, canonical form on output.
// Source: k8s.io/apimachinery/pkg/api/resource/quantity.go (grammar and canonical form in its doc).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/api/types.hpp"
#include "core/base/result.hpp"

namespace keelson::api {

class QuantityValue {
 public:
  enum class Format : uint8_t { decimal_si, binary_si, decimal_exponent };
  QuantityValue() = default;

  // Error: Code::invalid, with the message a Kubernetes API server gives.
  static keelson::Result<QuantityValue> parse(std::string_view text);
  static QuantityValue of(int64_t value, Format format = Format::decimal_si);
  static QuantityValue milli(int64_t value);

  // Rounded up, saturating at the ends of int64: what scheduling counts in.
  int64_t value() const;
  int64_t milli_value() const;

  bool negative() const { return nanos_ < 0; }
  bool zero() const { return nanos_ == 0; }
  Format format() const { return format_; }
  std::string to_string() const;  // canonical
  friend auto operator<=>(const QuantityValue& a, const QuantityValue& b) {
    return a.nanos_ <=> b.nanos_;
  }
  friend bool operator==(const QuantityValue& a, const QuantityValue& b) {
    return a.nanos_ == b.nanos_;
  }
  QuantityValue operator+(const QuantityValue& other) const;
  QuantityValue operator-(const QuantityValue& other) const;
  // Rounded away from zero; the format stays.
  QuantityValue in_whole_millis() const;

 private:
  __int128 nanos_ = 0;  // smaller fractions are rounded up to a nano, as Kubernetes does
  Format format_ = Format::decimal_si;
};

// The text that an API server stores for what a client wrote: "1024Mi" becomes "1Gi". A text that
// counts as canonical already is kept as it is, which includes "010" and "+5": Kubernetes' own
// shortcut, and visible to clients. Error as parse().
keelson::Result<std::string> canonical_quantity(std::string_view text);

// The canonical forms, parsed; a malformed one (which validation has refused before) counts as zero.
int64_t value_of(const Quantity& quantity);
int64_t milli_value_of(const Quantity& quantity);

// The finest that a resource of a pod or node may have: "100u" of cpu becomes "1m". Malformed ones
// stay as they are, for validation to find.
void round_up_to_milli(Quantity& quantity);

}  // namespace keelson::api
