package chaos

import "syscall"

// childAttr puts a process into a group of its own, so that Ctrl-C reaches the driver
// alone, and has the kernel end it when the driver dies.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
