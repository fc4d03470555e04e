// nftables' own library, as little of it as is needed: a script is one transaction, applied wholly or
// not at all. Works on the network namespace of the thread that made it. Blocking: the change of one
// service takes 0.5 ms where there are 200 and 15 ms where there are 5,000, because the library first
// reads what is there; writing 5,000 services takes 0.7 s (bench/network.cpp).
#pragma once

#include <string>

#include "core/base/result.hpp"

struct nft_ctx;

namespace keelson::network {

class Nft {
 public:
  Nft();
  ~Nft();
  Nft(const Nft&) = delete;
  Nft& operator=(const Nft&) = delete;

  // Error: Code::invalid with nft's message, or denied without the right to administer the network.
  Status run(const std::string& script);
  // What a `list` command prints.
  Result<std::string> list(const std::string& command);

 private:
  nft_ctx* context_;
};

}  // namespace keelson::network
