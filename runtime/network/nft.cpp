#include "runtime/network/nft.hpp"

#include <nftables/libnftables.h>

namespace keelson::network {

Nft::Nft() : context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
  if (!context_) return;
  nft_ctx_buffer_output(context_);
  nft_ctx_buffer_error(context_);
}

Nft::~Nft() {
  if (context_) nft_ctx_free(context_);
}

Status Nft::run(const std::string& script) {
  const Result<std::string> answer = list(script);
  return answer.ok() ? Status() : Status(answer.error());
}

Result<std::string> Nft::list(const std::string& command) {
  if (!context_) return Error{Code::unavailable, "nftables: out of memory"};
  const bool done = nft_run_cmd_from_buffer(context_, command.c_str()) == 0;
  // Reading the buffers empties them.
  std::string output = nft_ctx_get_output_buffer(context_);
  std::string error = nft_ctx_get_error_buffer(context_);
  if (done) return output;
  const bool denied = error.find("Operation not permitted") != std::string::npos;
  if (error.size() > 2000) error.resize(2000);
  return Error{denied ? Code::denied : Code::invalid, "nftables: " + error};
}

}  // namespace keelson::network
