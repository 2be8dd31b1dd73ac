package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"aval/ledger"
	"aval/ledger/sqlite"
)

// buffer collects what a program prints. Safe for concurrent use.
type buffer struct {
	mu      sync.Mutex
	text    []byte
	changed chan struct{}
}

func newBuffer() *buffer { return &buffer{changed: make(chan struct{})} }

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	close(b.changed)
	b.changed = make(chan struct{})
	return len(p), nil
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

// written is closed at the next Write.
func (b *buffer) written() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// leafOf reads one leaf of the log in a node's folder.
func leafOf(dir string, index uint64) ([]byte, error) {
	archive, err := sqlite.OpenSnapshot(filepath.Join(dir, "ledger.db"))
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	var leaf []byte
	err = archive.Entries(index, 1, func(e ledger.StoredEntry) error {
		if e.Index == index {
			leaf = append(leaf, e.Leaf...)
		}
		return nil
	})
	if err == nil && leaf == nil {
		err = errors.New("no such leaf")
	}
	return leaf, err
}

// process is a program that runs in the background of a test.
type process struct {
	command        *exec.Cmd
	stdout, stderr *buffer
	// exited is closed once the program has ended, with err.
	exited chan struct{}
	err    error
}

func start(command *exec.Cmd) (*process, error) {
	p := &process{command: command, stdout: newBuffer(), stderr: newBuffer(), exited: make(chan struct{})}
	command.Stdout, command.Stderr = p.stdout, p.stderr
	if err := command.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = command.Wait()
		close(p.exited)
	}()
	return p, nil
}

// first waits for the first JSON object on standard output.
func (p *process) first() (map[string]any, error) {
	deadline := time.After(patience)
	for {
		written := p.stdout.written()
		var first map[string]any
		if json.NewDecoder(strings.NewReader(p.stdout.String())).Decode(&first) == nil {
			return first, nil
		}
		select {
		case <-written:
		case <-p.exited:
			return nil, fmt.Errorf("ended early (%v): %s", p.err, p.stderr)
		case <-deadline:
			return nil, fmt.Errorf("printed no JSON in %v: %s", patience, p.stderr)
		}
	}
}

func (p *process) listens(address string) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		select {
		case <-p.exited:
			return false
		default:
		}
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return true
		}
	}
	return false
}

// stop interrupts the program and waits for its end; an exit code other than 0 is an error.
func (p *process) stop() error {
	if err := p.command.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.kill()
		return errors.New("did not stop")
	}
	if p.err != nil {
		return fmt.Errorf("%w: %s", p.err, p.stderr)
	}
	return nil
}

func (p *process) kill() {
	_ = p.command.Process.Signal(syscall.SIGKILL) // fails only if it has ended
	<-p.exited
}
