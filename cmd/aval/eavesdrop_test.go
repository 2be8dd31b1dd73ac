package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire records what passes over the ports of a node.
type wire struct {
	*process
	file string
}

// eavesdrop records with tshark, and gives nil where that is not installed or may not record: a failure with CI=true.
func eavesdrop(t *testing.T, ports []string) *wire {
	t.Helper()
	unable := func(why string) *wire {
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Log("nothing is recorded on the wire: " + why)
		return nil
	}
	if _, err := exec.LookPath("tshark"); err != nil {
		return unable("tshark is not installed")
	}
	file := filepath.Join(t.TempDir(), "wire.pcapng")
	filter := "tcp port " + strings.Join(ports, " or tcp port ")
	p, err := start(exec.Command("tshark", "-i", "lo", "-w", file, "-f", filter, "-q"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	// It says that it captures a moment before it does: a packet of our own tells.
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		select {
		case <-p.exited:
			return unable("tshark cannot record here: " + p.stderr.String())
		default:
		}
		if c, err := net.Dial("tcp", "127.0.0.1:"+ports[0]); err == nil {
			c.Close()
		}
		if info, err := os.Stat(file); err == nil && info.Size() > 1000 {
			return &wire{p, file}
		}
	}
	t.Fatalf("tshark records nothing: %s", p.stderr)
	return nil
}

// catchUp waits until what passed by now is recorded: tshark drops what it has not yet read when it is stopped. A request of
// our own to a plain port comes after all else.
func (w *wire) catchUp(t *testing.T, port string) {
	t.Helper()
	marker := fmt.Sprintf("/recorded-until-%d", time.Now().UnixNano())
	waitFor(t, "the recording to catch up", func() bool {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			fmt.Fprintf(c, "GET %s HTTP/1.0\r\n\r\n", marker)
			c.Close()
		}
		recorded, err := os.ReadFile(w.file)
		return err == nil && bytes.Contains(recorded, []byte(marker))
	})
}

// The directions of what was recorded, as tshark's fields.
const (
	bothWays = "tcp.port"
	fromNode = "tcp.srcport"
)

// payloads gives what was sent on a port: the bytes of each direction of each connection, joined.
func (w *wire) payloads(t *testing.T, port, direction string) (all []byte) {
	t.Helper()
	out, err := exec.Command("tshark", "-r", w.file, "-Y", direction+"=="+port+" && tcp.len>0", "-T", "fields",
		"-e", "tcp.stream", "-e", "tcp.srcport", "-e", "tcp.payload").Output()
	if err != nil {
		t.Fatalf("tshark reads its own file: %v", err)
	}
	streams := map[string][]byte{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			t.Fatalf("tshark printed %q", line)
		}
		payload, err := hex.DecodeString(fields[2])
		if err != nil {
			t.Fatal(err)
		}
		streams[fields[0]+" "+fields[1]] = append(streams[fields[0]+" "+fields[1]], payload...)
	}
	for _, bytes := range streams {
		all = append(append(all, bytes...), 0)
	}
	return all
}

// watcher looks again and again at the files that a process has and makes: in its folders, and those that it holds open and
// has deleted.
type watcher struct {
	stop, stopped chan struct{}
	mu            sync.Mutex
	seen          map[string][]byte
}

// watch looks into folders until halt; open names the folder of a process's open files, empty while there is none.
func watch(folders []string, open func() string) *watcher {
	w := &watcher{stop: make(chan struct{}), stopped: make(chan struct{}), seen: map[string][]byte{}}
	go func() {
		defer close(w.stopped)
		for {
			for _, folder := range folders {
				w.look(folder, false)
			}
			w.look(open(), true)
			select {
			case <-w.stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return w
}

func (w *watcher) halt() map[string][]byte {
	close(w.stop)
	<-w.stopped
	return w.seen
}

func (w *watcher) has(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[name] != nil
}

// look collects the files of a folder, or those behind its links that were deleted. What ends meanwhile is
// left out.
func (w *watcher) look(folder string, deleted bool) {
	if folder == "" {
		return
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		name := path
		if deleted {
			if name, err = os.Readlink(path); err != nil || !strings.HasSuffix(name, " (deleted)") {
				continue
			}
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		w.keep(name, path)
	}
}

// keep keeps what a file held, whenever it held it.
func (w *watcher) keep(name, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		return // it is gone, or was never to be read
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !bytes.Equal(w.seen[name], data) && len(data) > 0 {
		if last := w.seen[name]; len(last) < 8<<20 && !bytes.HasPrefix(data, last) {
			data = append(append([]byte{}, last...), data...)
		}
		w.seen[name] = data
	}
}

func freePorts(t *testing.T, n int) (ports []string) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports
}
