#include "tests/runtime/cri/containerd_fixture.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "runtime/cri/rpc.hpp"
#include "runtime/cri/wire.hpp"
#include "tests/runtime/cri/cri_loop.hpp"

namespace keelson::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return out;
  std::array<char, 4096> buffer;
  while (const std::size_t size = ::fread(buffer.data(), 1, buffer.size(), pipe)) {
    out.append(buffer.data(), size);
  }
  ::pclose(pipe);
  return out;
}

bool runs(const std::string& command) {
  return ::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

// Overlays cannot lie upon overlays, as where a build machine is itself a container.
const char* snapshotter(const std::string& directory) {
  const std::string at = directory + "/overlay";
  for (const char* part : {"/lower", "/upper", "/work", "/merged"})
    fs::create_directories(at + part);
  const std::string parts =
      "lowerdir=" + at + "/lower,upperdir=" + at + "/upper,workdir=" + at + "/work";
  const bool works = ::mount("overlay", (at + "/merged").c_str(), "overlay", 0, parts.c_str()) == 0;
  if (works) ::umount((at + "/merged").c_str());
  fs::remove_all(at);
  return works ? "overlayfs" : "native";
}

// Processes with `part` in their command lines.
std::vector<pid_t> find_processes(const std::string& part) {
  std::vector<pid_t> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    std::ifstream in(entry.path() / "cmdline", std::ios::binary);
    const std::string line((std::istreambuf_iterator<char>(in)), {});
    if (line.find(part) != line.npos) out.push_back(std::stoi(name));
  }
  return out;
}

void unmount_below(const std::string& directory) {
  std::ifstream in("/proc/self/mounts");
  std::vector<std::string> mounts;
  for (std::string device, where, rest; in >> device >> where && std::getline(in, rest);) {
    if (where.starts_with(directory + "/")) mounts.push_back(where);
  }
  for (auto at = mounts.rbegin(); at != mounts.rend(); ++at) ::umount2(at->c_str(), MNT_DETACH);
}

// Groups of processes can be removed when they are empty, from the innermost outwards.
void remove_cgroups(const std::string& parent) {
  std::error_code error;
  std::vector<fs::path> roots{"/sys/fs/cgroup" + parent};
  for (const auto& entry : fs::directory_iterator("/sys/fs/cgroup", error)) {
    roots.push_back(entry.path().string() + parent);
  }
  for (const fs::path& root : roots) {
    if (!fs::is_directory(root, error)) continue;
    std::vector<fs::path> inside{root};
    for (const auto& entry : fs::recursive_directory_iterator(root, error)) {
      if (entry.is_directory(error)) inside.push_back(entry.path());
    }
    for (auto at = inside.rbegin(); at != inside.rend(); ++at) ::rmdir(at->c_str());
  }
}

}  // namespace

Containerd::Containerd(ContainerdOptions options) {
  static std::atomic<int> count{0};
  const int number = static_cast<int>(::getpid()) * 4 + count++;
  name_ = "t" + std::to_string(number);
  bridge_ = "k" + name_;  // interface names have 15 characters
  subnet_ = "10." + std::to_string(128 + number / 256 % 100) + "." + std::to_string(number % 256);
  look_for_what_it_needs();
  if (!why_.empty()) return;
  if (options.own_network && (::unshare(CLONE_NEWNET) != 0 || !runs("ip link set lo up"))) {
    why_ = "a network namespace cannot be made";
    lack_ = Lack::right;
    return;
  }
  std::string pattern = fs::temp_directory_path() / "keelson-cri-XXXXXX";
  directory_ = ::mkdtemp(pattern.data());
  const std::string images = std::string(KEELSON_BINARY_DIR) + "/test-images";
  const std::string built =
      output_of(std::string(KEELSON_SOURCE_DIR) + "/tests/images/build " + images);
  configure(options);
  std::vector<std::string> wanted{images + "/pause.tar", images + "/busybox.tar"};
  if (options.nginx) {
    wanted.push_back(images + "/nginx-1.7.9.tar");
    wanted.push_back(images + "/nginx-1.8.tar");
  }
  if (!start())
    why_ = "containerd does not start:\n" + output_of("tail -5 " + directory_ + "/log");
  else if (!import(wanted))
    why_ = "the images cannot be imported: " + built + why_;
}

Containerd::~Containerd() {
  if (directory_.empty()) return;
  if (pid_ > 0) remove_pods();
  stop();
  end_shims();
  unmount_below(directory_);
  runs("ip link delete " + bridge_);
  remove_cgroups(cgroup_parent());
  std::error_code error;
  fs::remove_all(directory_, error);
}

void Containerd::look_for_what_it_needs() {
  if (::geteuid() != 0) {
    why_ = "needs root";
    lack_ = Lack::right;
    return;
  }
  for (const char* program : {"containerd", "ctr", "runc", "cc", "ip"}) {
    if (!runs(std::string("command -v ") + program)) why_ = std::string("needs ") + program;
  }
  if (!fs::exists("/usr/lib/cni/bridge")) why_ = "needs the CNI plugins in /usr/lib/cni";
  if (!runs("/bin/busybox true")) why_ = "needs busybox-static";
  if (!why_.empty()) lack_ = Lack::program;
}

void Containerd::configure(const ContainerdOptions& options) const {
  fs::create_directories(directory_ + "/cni");
  std::ofstream(directory_ + "/config.toml")
      << "version = 2\n"
      << "root = '" << directory_ << "/root'\n"
      << "state = '" << directory_ << "/state'\n"
      << "[grpc]\n  address = '" << socket() << "'\n"
      << "[plugins.'io.containerd.grpc.v1.cri']\n"
      << "  restrict_oom_score_adj = " << (options.restrict_oom_score_adj ? "true" : "false")
      << "\n"
      << "  sandbox_image = 'registry.k8s.io/pause:3.6'\n"
      << "  stats_collect_period = 1\n"
      << "  [plugins.'io.containerd.grpc.v1.cri'.cni]\n"
      << "    bin_dir = '/usr/lib/cni'\n    conf_dir = '" << directory_ << "/cni'\n"
      << "  [plugins.'io.containerd.grpc.v1.cri'.containerd]\n"
      << "    snapshotter = '" << snapshotter(directory_) << "'\n"
      << "[plugins.'io.containerd.internal.v1.opt']\n  path = '" << directory_ << "/opt'\n";
  std::ofstream(directory_ + "/cni/10-test.conflist") << R"({"cniVersion": "0.4.0", "name": ")"
                                                      << name_ << R"(", "plugins": [
  {"type": "bridge", "bridge": ")" << bridge_ << R"(", "isGateway": true,
   "ipam": {"type": "host-local", "dataDir": ")" << directory_
                                                      << R"(/ipam",
            "ranges": [[{"subnet": ")" << subnet_ << R"(.0/24"}]],
            "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]})";
}

cri::CriOptions Containerd::options(const std::string& node) const {
  cri::CriOptions out;
  out.socket = socket();
  out.node = node;
  out.address = address();
  out.cgroup_parent = cgroup_parent();
  out.log_directory = directory_ + "/logs";
  out.state_directory = directory_ + "/keelson";
  return out;
}

bool Containerd::start() {
  const std::string config = directory_ + "/config.toml", log = directory_ + "/log";
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execlp("containerd", "containerd", "--config", config.c_str(), nullptr);
    ::_exit(127);
  }
  for (int i = 0; i < 1500; ++i) {
    std::this_thread::sleep_for(20ms);
    if (fs::exists(socket()) && ctr("version").find("Server:") != std::string::npos) return true;
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) break;
  }
  return false;
}

void Containerd::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < 1000 && ::waitpid(pid_, nullptr, WNOHANG) == 0; ++i) {
    std::this_thread::sleep_for(10ms);
    if (i == 800) ::kill(pid_, SIGKILL);
  }
  pid_ = -1;
}

std::string Containerd::ctr(const std::string& arguments) const {
  return output_of("timeout 60 ctr -a " + socket() + " -n k8s.io " + arguments);
}

bool Containerd::import(const std::vector<std::string>& images) {
  // All at once; the output is that of the slowest.
  std::vector<std::thread> imports;
  std::vector<std::string> said(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    imports.emplace_back([&, i] { said[i] = ctr("images import " + images[i]); });
  }
  for (std::thread& one : imports) one.join();
  for (const std::string& output : said) {
    if (output.find("unpacking") == output.npos) why_ += output;
  }
  return why_.empty();
}

// The runtime's own way: it also gives back addresses and port mappings.
void Containerd::remove_pods() {
  using namespace cri;
  CriLoop own;
  std::unique_ptr<Rpc> rpc;
  own.on_loop([&] { rpc = std::make_unique<Rpc>(own.loop); });
  const auto channel = rpc->open("unix:" + socket());
  const auto call = [&]<class Response>(const char* method, const MessageLite& request, Response*) {
    return own.wait<Response>([&](Done<Response> done) {
      rpc->call<Response>(channel, runtime_method(method), request, 30s, Effect::changes,
                          std::move(done));
    });
  };
  auto all = call("ListPodSandbox", wire::ListPodSandboxRequest(),
                  static_cast<wire::ListPodSandboxResponse*>(nullptr));
  if (all.ok()) {
    for (const wire::PodSandbox& pod : all->items()) {
      wire::StopPodSandboxRequest stop;
      stop.set_pod_sandbox_id(pod.id());
      (void)call("StopPodSandbox", stop, static_cast<wire::StopPodSandboxResponse*>(nullptr));
      wire::RemovePodSandboxRequest remove;
      remove.set_pod_sandbox_id(pod.id());
      (void)call("RemovePodSandbox", remove, static_cast<wire::RemovePodSandboxResponse*>(nullptr));
    }
  }
  own.on_loop([&] { rpc.reset(); });
}

// What could not be removed the proper way. The socket's path tells ours from those of others.
void Containerd::end_shims() const {
  for (const pid_t shim : find_processes(socket())) {
    if (shim == ::getpid()) continue;
    for (const pid_t child : find_processes("")) {
      std::ifstream in("/proc/" + std::to_string(child) + "/stat");
      std::string line;
      std::getline(in, line);
      const std::size_t name_end = line.rfind(')');
      if (name_end == line.npos || line.size() < name_end + 5) continue;
      if (std::atoi(line.c_str() + name_end + 4) == shim) ::kill(child, SIGKILL);
    }
    ::kill(shim, SIGKILL);
  }
}

}  // namespace keelson::test
