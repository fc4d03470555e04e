// DELETE of a collection: what the selectors pick now is deleted one by one, each by its uid.
#pragma once

#include "core/apiserver/reader.hpp"
#include "core/apiserver/writer.hpp"

namespace keelson::apiserver {

class CollectionRemover {
 public:
  CollectionRemover(const Context& context, Reader& reader, Writer& writer)
      : context_(context), reader_(reader), writer_(writer) {}

  void run(Request request, Callback<void(Response)> done);

 private:
  struct Job;
  void proceed(const std::shared_ptr<Job>& job);

  const Context& context_;
  Reader& reader_;
  Writer& writer_;
};

}  // namespace keelson::apiserver
