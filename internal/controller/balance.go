package controller

import (
	"github.com/chronik/chronik/internal/balance"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// BalanceCluster is what the image says of a cluster that is to be balanced, without loads.
func BalanceCluster(image *meta.Image) *balance.Cluster {
	c := new(balance.Cluster)
	for _, b := range image.Brokers.Sorted() {
		c.Brokers = append(c.Brokers, balance.Broker{ID: b.ID, Rack: b.Rack, Alive: !b.Fenced && !b.Leaving, RoomBytes: -1})
	}
	for _, t := range image.Topics.Sorted() {
		for i := range t.Partitions {
			p := &t.Partitions[i]
			c.Partitions = append(c.Partitions, balance.Partition{
				Name:     model.TopicPartition{Topic: t.Name, Partition: model.Partition(i)},
				Replicas: p.Target(), Leader: p.Leader, Missing: len(p.Replicas) - len(p.ISR) + len(p.Lost), Moving: p.Reassigning(),
			})
		}
	}
	return c
}

// BalanceCommands carry a decision out, each where the partition is still as it was.
func BalanceCommands(d *balance.Decision) []Command {
	var commands []Command
	if len(d.Begin) > 0 {
		moves := AlterReassignments{FixedFactor: true}
		for i := range d.Begin {
			m := &d.Begin[i]
			moves.Partitions = append(moves.Partitions,
				Reassign{Topic: m.Partition.Topic, Partition: m.Partition.Partition, Replicas: m.To, Only: m.From})
		}
		commands = append(commands, moves)
	}
	if len(d.Elect) > 0 {
		var elections PreferLeaders
		for _, name := range d.Elect {
			elections.Partitions = append(elections.Partitions, PartitionName(name))
		}
		commands = append(commands, elections)
	}
	return commands
}
