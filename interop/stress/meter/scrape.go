package meter

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// scrapeMax is how long a node may take to say its metrics, under any load.
const scrapeMax = 30 * time.Second

// scrape is the sum over all labels of a metric at a URL.
func scrape(url, name string) (float64, error) {
	client := http.Client{Timeout: scrapeMax}
	response, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", url, response.Status)
	}
	sum, found, err := read(response.Body, name)
	if err == nil && !found {
		err = fmt.Errorf("%s has no %s", url, name)
	}
	return sum, err
}

// read finds a metric in Prometheus's text format, in which a line is a name, labels in
// braces if there are any, and a value.
func read(text io.Reader, name string) (sum float64, found bool, err error) {
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok || !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, "{") {
			continue
		}
		value, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			return 0, false, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		sum, found = sum+value, true
	}
	return sum, found, lines.Err()
}
