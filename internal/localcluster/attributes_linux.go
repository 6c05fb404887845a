package localcluster

import "syscall"

// attributes has the kernel kill a node with the thread that started it, and gives it
// a process group of its own: Ctrl+C on a terminal is for this process, which tells
// the nodes. A node that is killed loses nothing, and one that stays would keep its
// ports.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
