//go:build !linux

package localcluster

import "syscall"

// attributes are those of any process: only Linux kills a node with this process.
func attributes() *syscall.SysProcAttr { return nil }
