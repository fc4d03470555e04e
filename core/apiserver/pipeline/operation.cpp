#include "core/apiserver/pipeline/operation.hpp"

namespace keelson::apiserver {

Response Operation::committed(const store::Committed& committed) {
  Response response;
  response.object = committed.objects.front();
  response.revision = response.object->revision();
  return response;
}

store::Write put_new(Kind kind, MessagePtr message) {
  store::Write write;
  write.object = std::make_shared<const Object>(kind, std::move(message));
  write.key = write.object->key();
  write.absent = true;
  return write;
}

store::Write put_over(const Object& current, MessagePtr message) {
  store::Write write;
  write.object = std::make_shared<const Object>(current.kind(), std::move(message));
  write.key = current.key();
  write.revision = current.revision();
  write.uid = current.uid();
  return write;
}

store::Write remove_of(const Object& current) {
  store::Write write;
  write.op = store::Write::Op::remove;
  write.key = current.key();
  write.revision = current.revision();
  write.uid = current.uid();
  return write;
}

store::Check unchanged(const Object& current) {
  return {current.key(), false, current.revision(), current.uid()};
}

}  // namespace keelson::apiserver
