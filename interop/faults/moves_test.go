//go:build linux

package main

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/chronik/chronik/interop/faults/plan"
)

// TestMovesLeaveEnoughReplicas: two or three different nodes for each partition, and both
// that are well where the third has damaged files.
func TestMovesLeaveEnoughReplicas(t *testing.T) {
	for damaged := range plan.Nodes + 1 {
		firsts, counts := map[int32]int{}, map[int]int{}
		for seed := range uint64(100) {
			to := choice(rand.New(rand.NewPCG(seed, 0)), damaged)
			if again := choice(rand.New(rand.NewPCG(seed, 0)), damaged); !reflect.DeepEqual(to, again) {
				t.Errorf("seed %d: %v and %v", seed, to, again)
			}
			for p := range int32(partitions) {
				firsts[to[p][0]]++
				counts[len(to[p])]++
				for n := int32(1); n <= plan.Nodes; n++ {
					if damaged != 0 && int(n) != damaged && !slices.Contains(to[p], n) {
						t.Errorf("node %d is damaged, and %v lack node %d", damaged, to[p], n)
					}
				}
				if sorted := slices.Sorted(slices.Values(to[p])); len(slices.Compact(sorted)) != len(to[p]) {
					t.Errorf("%v has a node twice", to[p])
				}
			}
		}
		if len(firsts) != plan.Nodes || len(counts) != 2 || counts[2] == 0 || counts[3] == 0 {
			t.Errorf("node %d is damaged: first replicas %v, numbers of replicas %v", damaged, firsts, counts)
		}
	}
}
