// The part that PUT, PATCH and scale share: from the wanted content of an existing object to its
// write.
#pragma once

#include <string>
#include <vector>

#include "core/apiserver/pipeline/operation.hpp"

namespace keelson::apiserver {

// A body that names another incarnation was made from another object (ST-3).
ApiError check_same_object(const ObjectMeta& sent, const Object& before);

class UpdateBase : public Operation {
 public:
  using Operation::Operation;
  std::string lane() const override;

  // If the update was what the deleting object waited for, it has been removed: the answer still
  // shows the updated content.
  Response committed(const store::Committed& committed) override;

 protected:
  // Checks and completes `now`, a full object of the kind; suppresses writes that change nothing.
  Attempt write_back(const ObjectPtr& before, std::unique_ptr<Message> now);
  // `before` with the status of `source`, and what else a write of it changes.
  std::unique_ptr<Message> new_status(const Message& before, const Message& source) const;
  Attempt write_status(const ObjectPtr& before, std::unique_ptr<Message> now);
  // Notes who manages the fields of `now`, which is otherwise complete.
  virtual void note_fields(const Object& before, Message& now) const;

  std::vector<std::string> warnings_;  // of the last attempt

 private:
  Attempt put_or_remove(const ObjectPtr& before, MessagePtr now);
  ApiError apply_kind_rules(const Object& before, Message& now);

  MessagePtr removed_;  // the content with which the object went
};

}  // namespace keelson::apiserver
