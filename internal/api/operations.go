package api

import "math"

// Authorized operations are bit sets of Kafka's AclOperation numbers. Without an
// authorizer everybody may do everything that the resource has.
const (
	opRead             = 1 << 3
	opWrite            = 1 << 4
	opCreate           = 1 << 5
	opDelete           = 1 << 6
	opAlter            = 1 << 7
	opDescribe         = 1 << 8
	opClusterAction    = 1 << 9
	opDescribeConfigs  = 1 << 10
	opAlterConfigs     = 1 << 11
	opIdempotentWrite  = 1 << 12
	notAskedOperations = math.MinInt32

	topicOperations   = opRead | opWrite | opCreate | opDelete | opAlter | opDescribe | opDescribeConfigs | opAlterConfigs
	clusterOperations = opCreate | opAlter | opDescribe | opClusterAction | opDescribeConfigs | opAlterConfigs | opIdempotentWrite
)

// operations is set where the client asked for it.
func operations(asked bool, set int32) int32 {
	if !asked {
		return notAskedOperations
	}
	return set
}
