package admin

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/chronik/chronik/internal/metrics"
	"github.com/chronik/chronik/internal/model"
)

// partitionRow is a metrics.Partition as /debug/partitions shows it. Of a log that
// cannot be opened there are no offsets.
type partitionRow struct {
	Topic         string            `json:"topic"`
	Partition     model.Partition   `json:"partition"`
	Leader        model.NodeID      `json:"leader"`
	LeaderEpoch   model.LeaderEpoch `json:"leader_epoch"`
	Replicas      []model.NodeID    `json:"replicas"`
	ISR           []model.NodeID    `json:"isr"`
	MinInsync     int               `json:"min_insync"`
	Offline       string            `json:"offline,omitempty"`
	LogStart      *model.Offset     `json:"log_start,omitempty"`
	HighWatermark *model.Offset     `json:"high_watermark,omitempty"`
	LogEnd        *model.Offset     `json:"log_end,omitempty"`
	Size          *int64            `json:"size,omitempty"`
	Followers     []followerRow     `json:"followers,omitempty"`
}

type followerRow struct {
	Node         model.NodeID  `json:"node"`
	LogEnd       *model.Offset `json:"log_end,omitempty"`
	LagRecords   *int64        `json:"lag_records,omitempty"`
	CaughtUp     bool          `json:"caught_up"`
	LastCaughtUp *time.Time    `json:"last_caught_up,omitempty"`
}

// partitions is /debug/partitions: the replicas of this node, sorted, of one topic
// where the query says topic=NAME.
func (s *Server) partitions(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	topic, format := query.Get("topic"), query.Get("format")
	if format != "" && format != "json" && format != "text" {
		http.Error(w, fmt.Sprintf("format is %q; it may be json or text", format), http.StatusBadRequest)
		return
	}
	rows := partitionRows(s.options.Partitions, topic)
	if topic != "" && len(rows) == 0 {
		http.Error(w, fmt.Sprintf("this node has no replica of a topic %q", topic), http.StatusNotFound)
		return
	}
	buffered := bufio.NewWriterSize(w, 64<<10)
	if format == "text" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		writeTable(buffered, rows)
	} else {
		w.Header().Set("Content-Type", "application/json")
		writeRows(buffered, rows)
	}
	_ = buffered.Flush() // its reader is gone
}

// partitionRows copies what the iterator lends.
func partitionRows(all metrics.Partitions, topic string) []partitionRow {
	var rows []partitionRow
	for p := range all {
		if topic == "" || p.Topic == topic {
			rows = append(rows, rowOf(p))
		}
	}
	slices.SortFunc(rows, func(a, b partitionRow) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return rows
}

func rowOf(p *metrics.Partition) partitionRow {
	row := partitionRow{
		Topic: p.Topic, Partition: p.Partition, Leader: p.Leader, LeaderEpoch: p.LeaderEpoch,
		Replicas: p.Replicas, ISR: p.ISR, MinInsync: p.MinInsync,
	}
	if p.Offline != nil {
		row.Offline = p.Offline.Error()
		return row
	}
	offsets := [...]model.Offset{p.LogStart, p.HighWatermark, p.LogEnd}
	row.LogStart, row.HighWatermark, row.LogEnd = &offsets[0], &offsets[1], &offsets[2]
	size := p.Size
	row.Size = &size
	for i := range p.Followers {
		f := &p.Followers[i]
		follower := followerRow{Node: f.Node, LogEnd: known(f.LogEnd), CaughtUp: f.CaughtUp, LastCaughtUp: at(f.LastCaughtUp)}
		if lag, ok := p.Lag(f); ok {
			follower.LagRecords = &lag
		}
		row.Followers = append(row.Followers, follower)
	}
	return row
}

// writeRows writes a JSON array with a line for each row, so that it can be searched
// with grep and is never in memory whole.
func writeRows(w io.Writer, rows []partitionRow) {
	_, _ = io.WriteString(w, "[") // an error of w is its Flush's too
	for i := range rows {
		separator := ",\n"
		if i == 0 {
			separator = "\n"
		}
		line, err := json.Marshal(&rows[i])
		if err != nil {
			panic(fmt.Sprintf("BUG: a partition is no JSON: %v", err))
		}
		_, _ = fmt.Fprintf(w, "%s%s", separator, line)
	}
	_, _ = io.WriteString(w, "\n]\n")
}

// writeTable writes the rows for people to read.
func writeTable(w io.Writer, rows []partitionRow) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "partition\tleader\tepoch\treplicas\tin sync\tstart\thigh watermark\tend\tbytes\tfollowers")
	for i := range rows {
		r := &rows[i]
		name := model.TopicPartition{Topic: r.Topic, Partition: r.Partition}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t", name, nodeText(r.Leader), r.LeaderEpoch, nodeList(r.Replicas), nodeList(r.ISR))
		if r.Offline != "" {
			_, _ = fmt.Fprintf(t, "offline: %s\n", strings.ReplaceAll(r.Offline, "\n", " "))
			continue
		}
		_, _ = fmt.Fprintf(t, "%d\t%d\t%d\t%d\t%s\n", *r.LogStart, *r.HighWatermark, *r.LogEnd, *r.Size, followerList(r.Followers))
	}
	_ = t.Flush() // an error of w is its Flush's too
}

func nodeText(n model.NodeID) string {
	if n == model.NoNode {
		return "none"
	}
	return strconv.Itoa(int(n))
}

func nodeList(nodes []model.NodeID) string {
	var list []string
	for _, n := range nodes {
		list = append(list, nodeText(n))
	}
	return strings.Join(list, ",")
}

// followerList is each follower with what it lacks: "2 caught up, 3 lacks 60".
func followerList(followers []followerRow) string {
	if len(followers) == 0 {
		return "-"
	}
	var list []string
	for _, f := range followers {
		state := "is not heard of"
		switch {
		case f.CaughtUp:
			state = "caught up"
		case f.LagRecords != nil:
			state = fmt.Sprintf("lacks %d", *f.LagRecords)
		}
		list = append(list, fmt.Sprintf("%d %s", f.Node, state))
	}
	return strings.Join(list, ", ")
}
