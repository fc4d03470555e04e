// Alibaba's cluster traces: batch_task, batch_instance and the machines' table, as published, without
// header lines.
// Source: github.com/alibaba/clusterdata, cluster-trace-v2017/trace_201708.md with schema.csv, and
// cluster-trace-v2018/schema.md.
//
//                    2017 (server_event.csv)             2018 (machine_meta.csv)
//   time             s, 0: before the trace              s
//   cpu of machines  cores                               cores
//   memory           share of the largest machine, 0..1  the same in %, 0..100
//   plan_cpu         cores (see below)                   hundredths of a core
//   plan_mem         as memory                           as memory
//
// One pod per instance. Of the tasks alone (no `instances`): instance_num pods that come when the
// task began and run as long as it did. With the table of instances: one pod per row, which is one
// try to run; it takes its requests from its task, and a row whose task is not in the table of tasks
// is left out, for the traces have such rows (clusterdata's known issues). What never began (a start
// of 0, or none) is no pod; what did not end in the trace stays for ever. Tasks without a plan (the
// traces have those, too) request nothing.
// The batch scheduler's queueing is not in the traces: a pod comes when its instance had begun.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.hpp"
#include "sim/lab/loaded.hpp"
#include "sim/lab/readers/collector.hpp"

namespace keelson::lab {

struct AlibabaFiles {
  std::string machines;   // empty: the workload has no nodes of its own
  std::string tasks;      // file, or folder of files; gzip is recognised
  std::string instances;  // empty: from the tasks alone
};

struct AlibabaOptions {
  int year = 2018;  // or 2017
  Window window;
  bool lenient = false;
  // What the largest machine's memory counts for: the traces have shares of it only.
  int64_t largest_memory_bytes = int64_t{512} << 30;
  // 2017: plan_cpu is in hundredths of a core, as in the first publication (clusterdata#11).
  bool plan_in_hundredths = false;
};

// Machines: each machine's first row; later events (errors, removals) are not played. 2018: a
// machine's failure_domain_1 becomes its zone.
// Error: Code::invalid, "FILE:LINE: field: why".
Result<Loaded> read_alibaba(const AlibabaFiles& files, const AlibabaOptions& options);

}  // namespace keelson::lab
