package sim

import (
	"fmt"

	"aval/ledger"
)

// maxAttempts bounds how often a node is opened before it must succeed: after the first
// attempts the disk is well again.
const maxAttempts = 5

// crash ends the engine, takes the power from its disk, and opens it again. What was in
// flight is then there or not, whole; what was answered is there.
func (s *simulation) crash(why string) error {
	s.report.Crashes++
	s.trace.line("%s, %d batches in flight", why, len(s.flights))
	s.abandon()
	for attempt := 1; ; attempt++ {
		s.disk.calm()
		if attempt < maxAttempts {
			s.hamper()
		}
		err := s.reopen()
		if err == nil {
			break
		}
		if !s.disk.failing() || attempt == maxAttempts {
			return fmt.Errorf("open again: %w", err)
		}
	}
	flights := s.flights
	s.flights = nil
	s.disk.calm()
	if err := s.recover(flights); err != nil {
		return fmt.Errorf("after a crash: %w", err)
	}
	clear(s.calls)
	if err := s.checkState(); err != nil {
		return fmt.Errorf("after a crash: %w", err)
	}
	if s.happens(BitFlips, 200) {
		s.disk.flipTiles, s.disk.flipIn = true, 1
	}
	return s.book.reread()
}

// abandon forgets every ticket: who waits will ask again.
func (s *simulation) abandon() {
	for _, c := range s.waiting {
		if !c.answered {
			s.unanswered = append(s.unanswered, c.submission)
		}
	}
	s.waiting = nil
}

// hamper lets some of the reads of an opening fail.
func (s *simulation) hamper() {
	if s.happens(ReadFails, 80) {
		s.disk.failIn = int(s.luck[ReadFails].between(1, 8))
	}
	if s.happens(BitFlips, 80) {
		s.disk.flipIn = int(s.luck[BitFlips].between(1, 30))
	}
}

// reopen closes what there is and opens the store and the engine.
func (s *simulation) reopen() error {
	s.Storage.Crash(s.luck[Crashes].Uint64())
	s.disk.Store.Close() // after a loss of power it can only fail
	config, err := s.config()
	if err != nil {
		return err
	}
	engine, err := ledger.Open(config)
	if err != nil {
		return err
	}
	s.engine = engine
	s.opened()
	return nil
}

// recover lets the model follow the batches that turned out to be durable.
func (s *simulation) recover(flights []flight) error {
	head, _, err := s.disk.Head()
	if err != nil {
		return err
	}
	for _, f := range flights {
		durable := f.batch.Sequence <= head.Sequence
		s.trace.line("batch %d durable: %v", f.batch.Sequence, durable)
		if f.promised && !durable {
			return fmt.Errorf("batch %d was answered and is lost", f.batch.Sequence)
		}
		if durable {
			if _, err := s.follow(f.batch); err != nil {
				return err
			}
		}
	}
	return nil
}

// close lets go of the storage.
func (s *simulation) close() {
	if s.disk != nil && s.disk.Store != nil {
		s.disk.Store.Close()
	}
}
