package remote

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/chronik/chronik/internal/balance"
	"github.com/chronik/chronik/internal/model"
)

// printf tells whoever has started the command. That nobody listens any more is no reason
// to end.
func (o *session) printf(format string, args ...any) {
	fmt.Fprintf(o.Out, format, args...) //nolint:errcheck // see above
}

// printShares prints what each broker has, or will have.
func (o *session) printShares(heading string, s *state, shares []balance.Share) {
	o.printf("%s\n", heading)
	t := tabwriter.NewWriter(o.Out, 0, 8, 2, ' ', tabwriter.AlignRight)
	written := ""
	if o.Sample > 0 {
		written = "\twritten"
	}
	fmt.Fprintf(t, "broker\track\treplicas\tfirst of\tstored%s\t\n", written) //nolint:errcheck // as printf
	for _, x := range shares {
		rack, up := s.racks[x.Broker]
		switch {
		case !up:
			rack = "(down)"
		case rack == "":
			rack = "-"
		}
		if o.Sample > 0 {
			written = "\t" + balance.Bytes(x.In) + "/s"
		}
		fmt.Fprintf(t, "%d\t%s\t%d\t%d\t%s%s\t\n", x.Broker, rack, x.Replicas, x.Leaders, balance.Bytes(x.Bytes), written) //nolint:errcheck // as printf
	}
	t.Flush() //nolint:errcheck // as printf
}

// printPlan says what is to be done, and why.
func (o *session) printPlan(s *state, plan *balance.Plan) {
	o.printShares("Now:", s, plan.Before)
	if o.Sample > 0 {
		o.printf("Written is what logs have grown by in %s; what consumers read is not known, and does not count.\n", o.Sample)
	}
	for _, r := range append(s.remarks, plan.Remarks...) {
		o.printf("Note: %s.\n", r)
	}
	if len(plan.Moves) == 0 {
		o.printf("\nNothing is to be done: all is within %.0f%% of even, or cannot be nearer to it.\n", balance.DefaultOptions().Tolerance*100)
		return
	}
	o.printf("\n%d partitions are to change, %s to be copied:\n", len(plan.Moves), balance.Bytes(plan.Bytes()))
	t := tabwriter.NewWriter(o.Out, 0, 8, 2, ' ', 0)
	for i := range plan.Moves {
		m := &plan.Moves[i]
		change, copied := nodes(m.From)+" -> "+nodes(m.To), "no copy"
		if m.Bytes > 0 {
			copied = balance.Bytes(m.Bytes)
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", m.Partition, change, copied, m.Reason) //nolint:errcheck // as printf
	}
	t.Flush() //nolint:errcheck // as printf
	o.printShares("\nThen:", s, plan.After)
}

func nodes(ids []model.NodeID) string {
	var words []string
	for _, n := range ids {
		words = append(words, fmt.Sprint(n))
	}
	return strings.Join(words, ",")
}
