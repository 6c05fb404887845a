package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/chronik/chronik/interop/cluster"
)

// readyMax is how long a node may take to be ready.
const readyMax = time.Minute

// node is one that runs, and the address of its pages.
type node struct {
	id    int
	pid   int
	pages string
}

// startNodes starts a cluster, each with pages at an address that is known.
func startNodes(ctx context.Context, c *cluster.Cluster) ([]node, error) {
	var nodes []node
	for _, n := range c.Nodes {
		pages, err := freeAddress()
		if err != nil {
			return nil, err
		}
		n.Configure("--admin-addr", pages)
		nodes = append(nodes, node{id: n.ID, pages: pages})
	}
	if err := c.Start(ctx, 1, 2, 3); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyMax)
	defer cancel()
	for i, n := range c.Nodes {
		nodes[i].pid = n.PID()
		if err := nodes[i].awaitReady(ctx); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (n *node) awaitReady(ctx context.Context) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		_, err := n.page(ctx, "/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("node %d is not ready: %w", n.id, errors.Join(err, ctx.Err()))
		}
	}
}

// page is what a node tells of itself.
func (n *node) page(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.pages+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("node %d, %s: %s: %.200s", n.id, path, response.Status, body)
	}
	return body, err
}

// keep takes a page, which is a profile, and keeps it.
func (n *node) keep(ctx context.Context, page, dir, name string) error {
	body, err := n.page(ctx, "/debug/pprof/"+page)
	if err != nil {
		return err
	}
	return os.WriteFile(profileFile(dir, strconv.Itoa(n.id), name), body, 0o644)
}
