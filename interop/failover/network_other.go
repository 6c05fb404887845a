//go:build !linux

package main

import (
	"errors"

	"github.com/chronik/chronik/interop/cluster"
)

// network is none: a node's own network is something of Linux.
type network struct{ mend func() error }

func newNetwork() (*network, error) {
	return nil, errors.New("only Linux can give a node a network of its own")
}

func (*network) place(int) cluster.Place { return cluster.Place{} }

func (*network) cutOff(int) error { return nil }

func (*network) Close() error { return nil }
