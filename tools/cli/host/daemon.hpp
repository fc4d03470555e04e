// The daemons of a host: `keelson control-plane` and `keelson node`.
#pragma once

namespace keelson::cli {

int control_plane(int argc, char** argv);
int node(int argc, char** argv);

// What makes a host part of a cluster, and what undoes it.
int init(int argc, char** argv);
int join(int argc, char** argv);
int join_control_plane(int argc, char** argv);  // `keelson join --control-plane`
int reset(int argc, char** argv);
int start(int argc, char** argv);
int stop(int argc, char** argv);
int token(int argc, char** argv);
int certs(int argc, char** argv);

// What is wrong with the cluster.
int status(int argc, char** argv);

}  // namespace keelson::cli
