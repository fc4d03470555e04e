// Images: pulled from a registry of the test's own with and without credentials, listed, removed.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/runtime/cri/cri_fixture.hpp"

namespace keelson::test {
namespace {

using testing::HasSubstr;

// tests/images/registry with the busybox image. Ends with its object: its input ends.
class Registry {
 public:
  explicit Registry(const std::string& credentials = {}) {
    const std::string program = std::string(KEELSON_SOURCE_DIR) + "/tests/images/registry";
    const std::string archive = std::string(KEELSON_BINARY_DIR) + "/test-images/busybox.tar";
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execlp("python3", "python3", program.c_str(), archive.c_str(), "team/tool",
               credentials.empty() ? nullptr : credentials.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    char buffer[16] = {};
    if (::read(out[0], buffer, sizeof buffer - 1) > 0) port_ = std::atoi(buffer);
    ::close(out[0]);
  }
  ~Registry() {
    ::close(in_);
    ::waitpid(pid_, nullptr, 0);
  }
  std::string image(const std::string& name = "team/tool:1") const {
    return "127.0.0.1:" + std::to_string(port_) + "/" + name;
  }
  bool runs() const { return port_ > 0; }

 private:
  pid_t pid_ = -1;
  int in_ = -1, port_ = 0;
};

class ImageTest : public CriTest {
 protected:
  Result<std::string> pull(const agent::ImagePull& what) {
    return loop.wait<std::string>(
        [&](auto done) { loop.runtime->pull_image(what, std::move(done)); });
  }
  std::vector<std::string> names() {
    auto images = loop.wait<std::vector<api::ContainerImage>>(
        [&](auto done) { loop.runtime->list_images(std::move(done)); });
    std::vector<std::string> out;
    if (!images.ok()) return out;
    for (const api::ContainerImage& image : *images) {
      EXPECT_GT(image.size_bytes(), 0);
      out.insert(out.end(), image.names().begin(), image.names().end());
    }
    return out;
  }
};

TEST_F(ImageTest, PullsListsAndRemoves) {
  Registry registry;
  if (::system("command -v python3 >/dev/null 2>&1") != 0) KEELSON_TOOL_IS_MISSING("needs python3");
  ASSERT_TRUE(registry.runs());
  EXPECT_THAT(names(), testing::Contains(kBusybox));
  auto id = pull({registry.image()});
  ASSERT_TRUE(id.ok()) << id.error().message;
  EXPECT_FALSE(id->empty());
  EXPECT_THAT(names(), testing::Contains(registry.image()));

  auto pod = shell_pod("pulled", "echo from the registry");
  agent::ContainerSpec spec = spec_of(pod);
  spec.image = *id;  // as the agent has it
  auto sandbox = run_sandbox(pod);
  auto container = create(sandbox->id, spec);
  ASSERT_TRUE(container.ok()) << container.error().message;
  ASSERT_TRUE(start(*container).ok());
  EXPECT_EQ(ended(*container).exit_code, 0);

  EXPECT_EQ(pull({registry.image("team/other:1")}).code(), Code::not_found);
  EXPECT_EQ(pull({"127.0.0.1:1/team/tool:1"}).code(), Code::unavailable);
  EXPECT_EQ(pull({"Not An Image"}).code(), Code::unavailable);

  auto filesystem = loop.wait<agent::ImageFilesystem>(
      [&](auto done) { loop.runtime->image_filesystem(std::move(done)); });
  ASSERT_TRUE(filesystem.ok());
  EXPECT_TRUE(filesystem->path.starts_with(containerd().directory())) << filesystem->path;

  const auto remove_image = [&](const std::string& name) {
    return loop.wait<Unit>([&](auto done) { loop.runtime->remove_image(name, std::move(done)); });
  };
  EXPECT_TRUE(remove_image("127.0.0.1:1/nothere:1").ok());
  EXPECT_TRUE(remove(*container).ok());
  EXPECT_TRUE(remove_image(registry.image()).ok());
  // It was the same image: it is gone under both names.
  EXPECT_THAT(names(), testing::Not(testing::Contains(registry.image())));
  EXPECT_THAT(names(), testing::Not(testing::Contains(kBusybox)));
  containerd().ctr("images import " + std::string(KEELSON_BINARY_DIR) + "/test-images/busybox.tar");
}

TEST_F(ImageTest, TriesOneCredentialAfterTheOther) {
  Registry registry("ann:secret");
  if (::system("command -v python3 >/dev/null 2>&1") != 0) KEELSON_TOOL_IS_MISSING("needs python3");
  ASSERT_TRUE(registry.runs());
  auto nobody = pull({registry.image()});
  EXPECT_EQ(nobody.code(), Code::unavailable) << nobody.error().message;
  const agent::RegistryCredentials wrong{.username = "ann", .password = "guess"};
  EXPECT_FALSE(pull({registry.image(), {wrong}}).ok());
  const agent::RegistryCredentials right{.username = "ann", .password = "secret"};
  auto pulled = pull({registry.image(), {wrong, right}});
  EXPECT_TRUE(pulled.ok()) << pulled.error().message;
}

TEST_F(ImageTest, SaysWhoTheRuntimeIs) {
  auto identity =
      loop.wait<cri::RuntimeIdentity>([&](auto done) { loop.runtime->identity(std::move(done)); });
  ASSERT_TRUE(identity.ok());
  EXPECT_EQ(identity->name, "containerd");
  EXPECT_FALSE(identity->version.empty());
  auto ready = loop.wait<Unit>([&](auto done) { loop.runtime->check(std::move(done)); });
  EXPECT_TRUE(ready.ok()) << ready.error().message;
}

TEST_F(ImageTest, PreparesStreams) {
  Running pod = run(shell_pod("streams", "sleep 100"));
  auto exec = loop.wait<std::string>([&](auto done) {
    loop.runtime->exec_url(pod.container, {"sh"}, {.tty = true, .in = true}, std::move(done));
  });
  ASSERT_TRUE(exec.ok()) << exec.error().message;
  EXPECT_THAT(*exec, HasSubstr("http://127.0.0.1:"));
  auto attach = loop.wait<std::string>(
      [&](auto done) { loop.runtime->attach_url(pod.container, {}, std::move(done)); });
  EXPECT_TRUE(attach.ok());
  auto forward = loop.wait<std::string>(
      [&](auto done) { loop.runtime->port_forward_url(pod.sandbox.id, std::move(done)); });
  EXPECT_TRUE(forward.ok());
  auto nothing = loop.wait<std::string>(
      [&](auto done) { loop.runtime->exec_url("nothere", {"sh"}, {}, std::move(done)); });
  EXPECT_EQ(nothing.code(), Code::not_found);
}

}  // namespace
}  // namespace keelson::test
