// Reads: get and list from memory, as fresh as the request asks for.
#pragma once

#include "core/api/selector.hpp"
#include "core/apiserver/continue_token.hpp"
#include "core/apiserver/freshness.hpp"
#include "core/apiserver/pipeline/context.hpp"

namespace keelson::apiserver {

class Reader {
 public:
  Reader(const Context& context, Freshness& freshness) : context_(context), freshness_(freshness) {}

  // `done` comes from a later turn of the loop. REQUIRES: verb get or list.
  void read(Request request, Callback<void(Response)> done);
  // At once, from what is in memory.
  Response serve(const Request& request) const;

 private:
  Response get(const Request& request) const;
  Response list(const Request& request) const;
  void list_now(const Request& request, const api::LabelSelectorMatcher& labels,
                const api::FieldSelector& fields, Response& response) const;
  void list_page(const Request& request, const api::LabelSelectorMatcher& labels,
                 const api::FieldSelector& fields, Revision at, const Name& after,
                 Response& response) const;
  // The revision that memory must have reached, if the request names one.
  std::optional<Revision> needed(const Request& request) const;

  const Context& context_;
  Freshness& freshness_;
  Lifeline life_;
};

}  // namespace keelson::apiserver
