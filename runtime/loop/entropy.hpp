// Where real randomness comes from: the operating system.
#pragma once

#include <cstdint>
#include <string>

namespace keelson::runtime {

// A seed for an Rng, different in each process. Stops the process if the system has no randomness to
// give (Linux never refuses after boot).
uint64_t entropy_seed();

// `bytes` random bytes fit for keys and tokens.
std::string random_bytes(std::size_t bytes);

}  // namespace keelson::runtime
