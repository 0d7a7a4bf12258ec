package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// composeFile is docker-compose.yml as far as it is checked here.
type composeFile struct {
	Services map[string]service
	Volumes  map[string]any
}

type service struct {
	Image       string
	Build       struct{ Dockerfile, Target string }
	Profiles    []string
	Command     []string
	Ports       []string
	Volumes     []string
	Environment map[string]string
	Healthcheck struct{ Test []string }
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	CapDrop     []string                              `yaml:"cap_drop"`
	SecurityOpt []string                              `yaml:"security_opt"`
	ReadOnly    bool                                  `yaml:"read_only"`
	Deploy      struct {
		Resources struct {
			Reservations struct {
				Devices []struct{ Capabilities []string }
			}
		}
	}
}

// readTop returns a file of the repository.
func readTop(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	var c composeFile
	if err := yaml.Unmarshal([]byte(readTop(t, "docker-compose.yml")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// needsKey ends the start where no key is set.
const needsKey = "${QDRANT_API_KEY:?"

func TestEveryServiceIsClosed(t *testing.T) {
	c := readCompose(t)
	if len(c.Services) != 5 {
		t.Errorf("there are %d services, wanted 5", len(c.Services))
	}
	for name, s := range c.Services {
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s, wanted loopback alone", name, port)
			}
		}
		if !slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s keeps privileges", name)
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			if _, named := c.Volumes[volume]; !named && v != "${ENGRAM_IMAGES:-./images}:/images:ro" {
				t.Errorf("%s mounts %s, wanted a volume that is named, or the images to read", name, v)
			}
		}
	}
}

func TestQdrantServices(t *testing.T) {
	c := readCompose(t)
	seen := map[string]bool{}
	for name, s := range c.Services {
		if !strings.HasPrefix(name, "qdrant") {
			continue
		}
		if s.Image != "qdrant/qdrant:v1.18.3" {
			t.Errorf("%s runs %s, wanted the version that go.mod's client is of", name, s.Image)
		}
		if s.Environment["QDRANT__TELEMETRY_DISABLED"] != "true" || !strings.HasPrefix(s.Environment["QDRANT__SERVICE__API_KEY"], needsKey) {
			t.Errorf("%s has the environment %v, wanted telemetry off and a key", name, s.Environment)
		}
		if test := strings.Join(s.Healthcheck.Test, " "); !strings.HasPrefix(test, "CMD bash -c ") || !strings.Contains(test, "/dev/tcp/127.0.0.1/6333") {
			t.Errorf("%s is checked by %q", name, test)
		}
		command := strings.Join(s.Command, " ")
		if !strings.Contains(command, "--uri http://"+name+":6335") {
			t.Errorf("%s starts as %q, wanted its own name as --uri", name, command)
		}
		if joins := strings.Contains(command, "--bootstrap http://qdrant:6335"); joins == (name == "qdrant") || joins != slices.Equal(s.Profiles, []string{"cluster"}) {
			t.Errorf("%s of the profiles %v starts as %q, wanted that the others join the first", name, s.Profiles, command)
		}
		for _, v := range s.Volumes {
			if seen[v] {
				t.Errorf("%s shares %s with another node", name, v)
			}
			seen[v] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("the nodes have %d volumes, wanted 6", len(seen))
	}
	if version := regexp.MustCompile(`qdrant/go-client v1\.(\d+)\.`).FindStringSubmatch(readTop(t, "go.mod")); version == nil || version[1] != "18" {
		t.Errorf("go.mod has the client %v, wanted 1.18 as the server", version)
	}
}

func TestEngramServices(t *testing.T) {
	c := readCompose(t)
	for name, target := range map[string]string{"engram": "cpu", "engram-gpu": "cuda"} {
		s := c.Services[name]
		if s.Build.Dockerfile != "cmd/engram/Dockerfile" || s.Build.Target != target || !s.ReadOnly {
			t.Errorf("%s is built from %+v, read only %t", name, s.Build, s.ReadOnly)
		}
		if s.DependsOn["qdrant"].Condition != "service_healthy" || !strings.HasPrefix(s.Environment["QDRANT_API_KEY"], needsKey) {
			t.Errorf("%s waits for %v with %v", name, s.DependsOn, s.Environment)
		}
		onGPU := len(s.Deploy.Resources.Reservations.Devices) == 1 && slices.Equal(s.Profiles, []string{"gpu"})
		if wanted := target == "cuda"; onGPU != wanted || slices.Contains(s.Command, "cuda:0") != wanted {
			t.Errorf("%s reserves %+v in the profiles %v and starts as %v", name, s.Deploy, s.Profiles, s.Command)
		}
		checkCommand(t, s.Command)
	}
}

// checkCommand wants a command line that this program takes.
func checkCommand(t *testing.T, args []string) {
	t.Helper()
	cmd, rest, err := newRoot(streams{}).Find(args)
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err != nil || cmd.Name() != args[0] {
		t.Errorf("engram %s: %v", strings.Join(args, " "), err)
	}
}

// instruction matches the JSON form of an instruction of a Dockerfile.
var instruction = regexp.MustCompile(`(?m)^(?:HEALTHCHECK .*)?CMD (\[.*\])$`)

func TestDockerfile(t *testing.T) {
	text := readTop(t, "cmd/engram/Dockerfile")
	stages := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^FROM (\S+) AS (\S+)$`).FindAllStringSubmatch(text, -1) {
		if _, tag, ok := strings.Cut(m[1], ":"); !stages[m[1]] && (!ok || tag == "latest") {
			t.Errorf("stage %s is from %s, wanted a version", m[2], m[1])
		}
		stages[m[2]] = true
	}
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(readTop(t, "go.mod"))[1]
	if !strings.Contains(text, "FROM golang:"+goVersion+"-") {
		t.Errorf("it is not built by the Go %s of go.mod", goVersion)
	}
	for _, from := range regexp.MustCompile(`--from=(\S+)`).FindAllStringSubmatch(text, -1) {
		if !stages[from[1]] {
			t.Errorf("it copies from %s, which is no stage", from[1])
		}
	}
	for _, part := range []string{"CGO_ENABLED=1", "USER 10001:10001", "HEALTHCHECK"} {
		if !strings.Contains(text, part) {
			t.Errorf("it has no %s", part)
		}
	}
	commands := instruction.FindAllStringSubmatch(text, -1)
	if len(commands) != 4 {
		t.Errorf("it has %d commands, wanted a check and a default for each of two images", len(commands))
	}
	for _, c := range commands {
		var args []string
		if err := yaml.Unmarshal([]byte(c[1]), &args); err != nil {
			t.Fatal(err)
		}
		if args[0] == "engram" { // of a check; the default follows the entry point
			args = args[1:]
		}
		checkCommand(t, args)
	}
	for line := range strings.Lines(text) {
		if _, rest, ok := strings.Cut(line, "RUN engram "); ok {
			checkCommand(t, strings.Fields(strings.TrimSuffix(strings.TrimSpace(rest), "\\")))
		}
	}
}
