//go:build !linux

package chaos

import "syscall"

// childAttr puts a process into a group of its own, so that Ctrl-C reaches the driver
// alone, which then ends it. Only Linux can have it ended by the kernel.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
