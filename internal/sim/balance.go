package sim

import (
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/balance"
	"github.com/chronik/chronik/internal/controller"
)

// balance has the cluster even itself out for some seconds, as broker/balancing.go does:
// partitions have some size, and a controller that has just been elected looks at them
// again and again. Its commands go to whoever is the controller by then, once.
func (c *cluster) balance() {
	const (
		looks    = 100
		interval = 50 * time.Millisecond
	)
	keeper := balance.NewKeeper(0, interval)
	sizes := make(map[string]int64, len(c.topics))
	for _, topic := range c.topics {
		sizes[topic] = int64(1+c.w.rng.IntN(16)) << 30
	}
	c.w.note(-1, "the cluster balances itself")
	left := looks
	var look func()
	look = func() {
		view := controller.BalanceCluster(c.newest)
		for i := range view.Partitions {
			view.Partitions[i].Bytes = sizes[view.Partitions[i].Name.Topic]
		}
		decision := keeper.Survey(c.w.clock(), view)
		for _, m := range decision.Begin {
			c.w.note(-1, fmt.Sprintf("%s is to move to %v: %s", m.Partition, m.To, m.Reason))
		}
		for _, command := range controller.BalanceCommands(&decision) {
			for p := range c.controllers() {
				p.submit(command)
			}
		}
		if left--; left > 0 && !c.healing {
			c.w.after(interval, look)
		}
	}
	look()
}
