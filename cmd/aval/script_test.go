package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is the program too: called as "aval" it runs main. Scripts and the kill
// tests run it as a process of its own, so with -race the program is watched as well.
func TestMain(m *testing.M) {
	os.Setenv("GORACE", raceOptions)
	testscript.Main(m, map[string]func(){"aval": main})
}

// raceOptions lets a program under the race detector end at once; it would sleep a second.
const raceOptions = "atexit_sleep_ms=0"

// patience is how long anything awaited may take before a test gives up.
const patience = time.Minute

// TestScripts runs testdata: each file shows how a command is used, and holds it to that. Beside
// the commands of testscript they have these:
//
//	start NAME PROGRAM ARG...   run a program in the background until it has printed one JSON
//	                            object; its members become $NAME_member, and $NAME_member_inner
//	interrupt NAME              interrupt it; it must exit 0
//	sigkill NAME                kill it, and give it no time
//	output NAME FILE            save its standard output so far
//	log NAME REGEXP             its standard error so far must match; with ! must not
//	field VAR PATH              set VAR to a member of the JSON last printed, a.b.0.c; "." is all of it
//	expand FILE...              replace $VAR and ${VAR} in files
//	instant VAR FORM BASE       set VAR to BASE in FORM: millis, rfc3339, or a layout of package time;
//	                            BASE is now, a number of milliseconds, or either with an offset as in now-90s
//	exits CODE PROGRAM ARG...   run a program, which must exit with CODE
//	until REGEXP PROGRAM ARG... run a program again and again until what it prints matches
//	damage DIR INDEX            flip one bit in a leaf where the database file holds it
//	flip FILE TEXT              flip one bit of the first byte of TEXT wherever it stands in a file
//	cut FILE BYTES              keep so many bytes of a file
//	serve VAR DIR               serve a folder's files until the script ends, and set VAR to the URL
//	mode FILE MODE              a file's permissions must be these
//	unraced                     use a program built without the race detector from here on, where
//	                            that would take minutes
//	mosquitto VAR               run a Mosquitto broker and set VAR to its URL
//	swtpm VAR                   run a TPM emulator and set VAR to its socket, VAR_ROOTS and VAR_CHAIN to files
//	release FILE                write another build of the program: the same with one byte more
//
// They know the conditions [mosquitto] and [swtpm]: it is installed; and [schemas]: xmllint is, and the schemas of
// ISO 20022 are beside the repository, in $SCHEMAS.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true, Deadline: time.Now().Add(5 * patience),
		Setup: func(e *testscript.Env) error {
			flights, err := filepath.Abs("../../fixtures/flights")
			e.Setenv("FLIGHTS", flights)
			e.Setenv("FIXTURES", filepath.Dir(flights))
			e.Setenv("DOCS", filepath.Join(flights, "../../docs"))
			e.Setenv("SCHEMAS", filepath.Join(flights, "../../../shared/data/trade/iso20022/xsd"))
			e.Setenv("GORACE", raceOptions)
			e.Values[processes{}] = map[string]*process{}
			return err
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "mosquitto":
				return haveMosquitto()
			case "swtpm":
				return haveSwtpm()
			case "schemas":
				return haveSchemas()
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"start": startScript, "interrupt": interruptScript, "sigkill": sigkillScript, "log": logScript, "output": outputScript, "field": fieldScript,
			"expand": expandScript, "instant": instantScript, "until": untilScript, "damage": damageScript,
			"flip": flipScript, "cut": cutScript, "serve": serveScript, "mode": modeScript, "mosquitto": mosquittoScript, "unraced": unracedScript,
			"swtpm": swtpmScript, "release": releaseScript, "exits": exitsScript,
		},
	})
}

// processes is the key of a script's background processes.
type processes struct{}

func processOf(ts *testscript.TestScript, name string) *process {
	p := ts.Value(processes{}).(map[string]*process)[name]
	if p == nil {
		ts.Fatalf("nothing was started as %s", name)
	}
	return p
}

func startScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME PROGRAM ARG...")
	}
	p, err := start(commandOf(ts, args[1:]))
	ts.Check(err)
	ts.Defer(func() { p.kill() })
	ts.Value(processes{}).(map[string]*process)[args[0]] = p
	first, err := p.first()
	ts.Check(err)
	setMembers(ts, args[0], first)
}

// commandOf finds a program on the script's own path.
func commandOf(ts *testscript.TestScript, args []string) *exec.Cmd {
	command := exec.Command(args[0], args[1:]...)
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path, err := exec.LookPath(filepath.Join(dir, args[0])); err == nil {
			command = exec.Command(path, args[1:]...)
			break
		}
	}
	command.Dir = ts.MkAbs(".")
	return command
}

func unracedScript(ts *testscript.TestScript, _ bool, _ []string) {
	if !raceEnabled {
		return
	}
	bin := ts.MkAbs("bin")
	if out, err := exec.Command("go", "build", "-o", bin+string(filepath.Separator), ".").CombinedOutput(); err != nil {
		ts.Fatalf("go build: %v: %s", err, out)
	}
	ts.Setenv("PATH", bin+string(filepath.ListSeparator)+ts.Getenv("PATH"))
}

func setMembers(ts *testscript.TestScript, prefix string, members map[string]any) {
	for name, value := range members {
		if inner, ok := value.(map[string]any); ok {
			setMembers(ts, prefix+"_"+name, inner)
			continue
		}
		ts.Setenv(prefix+"_"+name, fmt.Sprint(value))
	}
}

func interruptScript(ts *testscript.TestScript, neg bool, args []string) {
	err := processOf(ts, args[0]).stop()
	if (err != nil) != neg {
		ts.Fatalf("interrupt %s: %v", args[0], err)
	}
}

func sigkillScript(ts *testscript.TestScript, _ bool, args []string) { processOf(ts, args[0]).kill() }

func logScript(ts *testscript.TestScript, neg bool, args []string) {
	text := processOf(ts, args[0]).stderr.String()
	if regexp.MustCompile("(?m)"+args[1]).MatchString(text) == neg {
		ts.Fatalf("log of %s: negative %v, pattern %s, text:\n%s", args[0], neg, args[1], text)
	}
}

func outputScript(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(processOf(ts, args[0]).stdout.String()), 0o600))
}

func fieldScript(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.TrimSpace(ts.ReadFile("stdout"))
	if args[1] == "." {
		ts.Setenv(args[0], text)
		return
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	ts.Check(decoder.Decode(&v))
	for step := range strings.SplitSeq(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				ts.Fatalf("no element %s of %d in:\n%s", step, len(at), text)
			}
			v = at[i]
		}
		if v == nil {
			ts.Fatalf("no member %s of %s in:\n%s", step, args[1], text)
		}
	}
	if s, ok := v.(string); ok {
		ts.Setenv(args[0], s)
		return
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

func expandScript(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		path := ts.MkAbs(name)
		text, err := os.ReadFile(path)
		ts.Check(err)
		ts.Check(os.WriteFile(path, []byte(os.Expand(string(text), ts.Getenv)), 0o600))
	}
}

func instantScript(ts *testscript.TestScript, _ bool, args []string) {
	base, offset, sign := args[2], time.Duration(0), time.Duration(1)
	if i := strings.LastIndexAny(base, "+-"); i > 0 {
		if base[i] == '-' {
			sign = -1
		}
		var err error
		offset, err = time.ParseDuration(base[i+1:])
		ts.Check(err)
		base = base[:i]
	}
	at := time.Now()
	if base != "now" {
		ms, err := strconv.ParseInt(base, 10, 64)
		ts.Check(err)
		at = time.UnixMilli(ms)
	}
	at = at.Add(sign * offset).UTC().Truncate(time.Millisecond)
	switch form := args[1]; form {
	case "millis":
		ts.Setenv(args[0], strconv.FormatInt(at.UnixMilli(), 10))
	case "rfc3339":
		ts.Setenv(args[0], at.Format("2006-01-02T15:04:05.000Z"))
	default:
		ts.Setenv(args[0], at.Format(form))
	}
}

func exitsScript(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case err == nil && want == 0:
	case err == nil:
		ts.Fatalf("exit code 0, want %d", want)
	case !errors.As(err, &exit) || exit.ExitCode() != want:
		ts.Fatalf("%v, want exit code %d", err, want)
	}
}

func untilScript(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[0])
	var last []byte
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var err error
		if last, err = commandOf(ts, args[1:]).CombinedOutput(); err == nil && pattern.Match(last) {
			return
		}
	}
	ts.Fatalf("until %s: never came, at last:\n%s", args[0], last)
}

func damageScript(ts *testscript.TestScript, _ bool, args []string) {
	index, err := strconv.ParseUint(args[1], 10, 64)
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	leaf, err := leafOf(dir, index)
	ts.Check(err)
	ts.Check(flip(filepath.Join(dir, "ledger.db"), leaf, len(leaf)/2))
	if now, err := leafOf(dir, index); err == nil && bytes.Equal(now, leaf) {
		ts.Fatalf("leaf %d is as it was", index)
	}
}

func flipScript(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(flip(ts.MkAbs(args[0]), []byte(args[1]), 0))
}

// flip changes the lowest bit of one byte of a text wherever it stands in a file: a database
// holds older copies too, which nobody reads.
func flip(path string, text []byte, at int) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed := bytes.Clone(text)
	changed[at] ^= 1
	if !bytes.Contains(data, text) {
		return fmt.Errorf("%s does not hold the text", path)
	}
	return os.WriteFile(path, bytes.ReplaceAll(data, text, changed), 0o600)
}

func cutScript(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

func serveScript(ts *testscript.TestScript, _ bool, args []string) {
	server := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[1]))))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

func modeScript(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

// haveMosquitto says whether the broker is installed; in CI it must be.
func haveMosquitto() (bool, error) {
	_, err := mosquittoPath()
	if err != nil && os.Getenv("CI") == "true" {
		return false, err
	}
	return err == nil, nil
}

func mosquittoPath() (string, error) {
	if path, err := exec.LookPath("mosquitto"); err == nil {
		return path, nil
	}
	const usual = "/usr/sbin/mosquitto" // not on every user's path
	_, err := os.Stat(usual)
	return usual, err
}

// mosquittoScript starts a broker on a free port. The port is free when it is chosen; should
// somebody else take it, another one is tried.
func mosquittoScript(ts *testscript.TestScript, _ bool, args []string) {
	binary, err := mosquittoPath()
	ts.Check(err)
	for range 5 {
		address, err := freeAddress()
		ts.Check(err)
		_, port, _ := net.SplitHostPort(address)
		config := ts.MkAbs("mosquitto-" + port + ".conf")
		text := "listener " + port + " 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest none\n"
		ts.Check(os.WriteFile(config, []byte(text), 0o600))
		p, err := start(exec.Command(binary, "-c", config))
		ts.Check(err)
		ts.Defer(func() { p.kill() })
		if p.listens(address) {
			ts.Setenv(args[0], "tcp://"+address)
			return
		}
	}
	ts.Fatalf("mosquitto does not listen")
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
