package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/chronik/chronik/internal/settings"
)

// environmentPrefix begins the variables that are ours.
const environmentPrefix = "CHRONIK_"

// configVariable names the file, where --config does not.
const configVariable = environmentPrefix + "CONFIG"

// serviceLink matches the variables that Kubernetes sets in every pod for each
// service of its namespace. A service called "chronik" or "chronik-kafka" must
// not stop the broker, nor set its port.
var serviceLink = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_.*)?)$`)

// Variable is the environment variable of a setting.
func Variable(name string) string {
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
}

// readEnvironment reads the variables that begin with CHRONIK_. An empty one
// counts as not set: that is how a compose file leaves one out.
func readEnvironment(environ []string) (layer, error) {
	l := make(layer)
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		variable, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(variable, environmentPrefix) || variable == configVariable || strings.TrimSpace(text) == "" {
			continue
		}
		name := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, environmentPrefix), "_", "."))
		if alias, ok := flagSetting(strings.ReplaceAll(name, ".", "-")); ok {
			name = alias
		}
		if isServiceLink(variable, name, text) {
			continue
		}
		if before, ok := l[name]; ok && before.Text != text {
			return nil, fmt.Errorf("%s and %s both give %s, and differ; unset one of them", before.Origin, variable, name)
		}
		l[name] = value{Text: text, Origin: variable, Rank: fromEnvironment}
	}
	return l, nil
}

func isServiceLink(variable, name, text string) bool {
	if !serviceLink.MatchString(variable) {
		return false
	}
	_, known := lookup(name)
	_, unused := settings.UnusedReason(name)
	return !known && !unused || strings.HasPrefix(text, "tcp://") || strings.HasPrefix(text, "udp://")
}

// lookupEnvironment finds one variable.
func lookupEnvironment(environ []string, variable string) string {
	for _, entry := range environ {
		if name, text, ok := strings.Cut(entry, "="); ok && name == variable {
			return text
		}
	}
	return ""
}
