# One .cpp each, and a folder in corpus/.
set(fuzz_targets json yaml protobuf quantity selector patch apply validation query scenario experiment study http_request spdy dns traces)
