// Package powerloss shows what of a program's files survives a power cut. It runs the
// program under ptrace (trace_linux.go), notes which bytes were synced to disk when
// (disk.go), and makes a copy of the folder that holds these and nothing else: a cache
// that was never written back is lost. It is for tests, and runs on Linux alone.
//
// What counts as synced: the content of a file at the moment when fsync or fdatasync of
// it was called, once that returned without an error; what a write to a file opened
// with O_SYNC or O_DSYNC wrote, once it returned; and the names in a folder likewise.
// Everything else is taken to be lost, although a kernel may have written it.
package powerloss
