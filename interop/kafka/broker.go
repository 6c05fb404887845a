package kafka

import (
	"path/filepath"

	"github.com/chronik/chronik/interop/command"
)

// Format is the command line that prepares a broker's directories, of which
// properties is the file of settings.
func (t *Tools) Format(clusterID, properties string) command.Line {
	args := append(t.java(), "-cp", filepath.Join(t.jars, "*"), "kafka.tools.StorageTool",
		"format", "--ignore-formatted", "-t", clusterID, "-c", properties)
	return command.Line{Name: "storage format", Args: args}
}

// Broker is the program and the arguments of a broker, with the heap that Kafka's
// own script gives it.
func (t *Tools) Broker(properties string) []string {
	return []string{"java", "-Xmx1g", "-Xms1g", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
		"-Dlog4j2.configurationFile=" + filepath.Join(t.sources, "kafka", "log4j2.properties"),
		"-cp", filepath.Join(t.jars, "*"), "kafka.Kafka", properties}
}
