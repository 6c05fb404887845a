// Package balance plans how a cluster's replicas and leaders become even again: after a
// node has joined, before one goes, when disks or traffic have grown apart. Values in,
// a list of moves out; no clock, disk, socket or goroutine. It knows neither metadata nor
// protocol: chronik-server balance gathers by Kafka's (package balance/remote), and the
// active controller by messages between nodes (package broker).
//
// Goals, the first before the others:
//
//  1. Brokers that are to be emptied have nothing.
//  2. A partition is spread over racks as evenly as they allow. Nothing makes that worse.
//  3. Replicas, bytes, leaders and traffic are within a tolerance of even on every broker.
//     Where those pull in different directions, what counts is the sum of what is too much
//     and too little, each as a share of even.
//
// A plan takes replicas one at a time from where there is too much, or to where there is too
// little, the most relief for the least data first, until no single change relieves anything.
// What is done to a partition on the way is one move in the end. Leaders are evened by the
// order of replicas where that does, which copies nothing.
//
// A partition never has fewer replicas than before, and none that moves goes to a broker that
// is down, is to be emptied or has no room. Plans are deterministic, and a second one, of
// a cluster that has followed the first, is empty.
package balance
