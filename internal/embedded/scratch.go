package embedded

import (
	"os"
	"syscall"
)

// scratchRoom is what a memory file system must have free to be used.
const scratchRoom = 2 << 30

// ScratchDir is the folder in which to make folders for throw-away servers:
// /dev/shm where that is a roomy memory file system (a new database takes 10 ms
// there, and 400 ms on ext4), else os.TempDir. (A container's usual 64 MiB is
// not roomy.)
func ScratchDir() string {
	const shm = "/dev/shm"
	var st syscall.Statfs_t
	if err := syscall.Statfs(shm, &st); err != nil || uint64(st.Bavail)*uint64(st.Bsize) < scratchRoom {
		return os.TempDir()
	}
	probe, err := os.MkdirTemp(shm, "latchkey-probe-")
	if err != nil {
		return os.TempDir()
	}
	if err := os.Remove(probe); err != nil {
		return os.TempDir()
	}
	return shm
}
