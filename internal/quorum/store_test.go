package quorum_test

import (
	"testing"

	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/quorum/storetest"
)

func TestTheStoreKeepsItsContract(t *testing.T) {
	storetest.Test(t, func(t *testing.T, seed uint64) storetest.Disk { return quorum.NewTestDisk(t, seed) })
}

func TestTheStoreInMemoryKeepsTheContract(t *testing.T) {
	storetest.Test(t, func(t *testing.T, seed uint64) storetest.Disk { return quorum.NewMemoryDisk(seed) })
}
