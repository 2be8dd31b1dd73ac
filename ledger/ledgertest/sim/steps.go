package sim

import (
	"errors"
	"fmt"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/order"
)

// stepsPerCommand bounds the steps of a run that makes no progress.
const stepsPerCommand = 100

// run goes from the first command to the last and then checks everything.
func (s *simulation) run() error {
	for step := 1; s.report.Commands < s.Commands; step++ {
		if step > stepsPerCommand*s.Commands {
			return fmt.Errorf("no progress in %d steps", step)
		}
		s.draw(uint64(step))
		s.quiet, s.report.Steps = false, step
		if err := s.step(); err != nil {
			return err
		}
	}
	return s.end()
}

// step is one turn of the world.
func (s *simulation) step() error {
	s.moveClock()
	s.arrange()
	if err := s.send(); err != nil {
		return err
	}
	if err := s.turn(); err != nil {
		return err
	}
	if s.happens(Crashes, 15) {
		return s.crash("the process dies")
	}
	return s.look()
}

// moveClock lets time pass, stand still, jump and go back.
func (s *simulation) moveClock() {
	c := s.luck[ClockRuns]
	switch at := c.IntN(1000); {
	case at < 200:
	case at < 800:
		s.clock += domain.Millis(c.between(1, 20))
	case at < 950:
		s.clock += domain.Millis(c.between(20, 2_000))
	case !s.troubled(ClockRuns):
		s.clock++
	case at < 980:
		s.clock += domain.Millis(c.between(2_000, 3_600_000))
	case at < 989:
		s.clock += domain.Millis(c.between(int64(day), 16*int64(day)))
	case at < 994:
		s.clock -= domain.Millis(c.between(1, 59_000))
	default:
		s.clock -= domain.Millis(c.between(59_000, 2*int64(day)))
	}
	if s.behind() && c.percent(25) { // somebody sets it right
		s.clock = s.model.now + domain.Millis(c.between(1, 1000))
	}
}

// behind says that a node would refuse to order by such a clock.
func (s *simulation) behind() bool {
	return s.clock < s.model.now-domain.Millis(order.MaxClockStepBack.Milliseconds())
}

// arrange prepares what the disk will do next.
func (s *simulation) arrange() {
	c, d := s.luck[DiskFails], s.disk
	d.full, d.fired = d.full && !c.percent(30), false
	if s.troubled(DiskFails) {
		switch at := c.IntN(1000); {
		case at < 12:
			d.lose = true
		case at < 24:
			d.keep = true
		case at < 28:
			d.full = true
		case at < 40:
			d.slow = domain.Millis(c.between(1, 100_000))
		case at < 80:
			s.Storage.Arm(c.IntN(1000), int(c.between(1, 60)))
		}
	}
	if s.happens(ReadFails, 10) {
		d.failIn = int(s.luck[ReadFails].between(1, 12))
	}
	if s.happens(BitFlips, 15) {
		d.flipIn = int(s.luck[BitFlips].between(1, 12))
	}
}

// send lets clients sign, wait, send and send again.
func (s *simulation) send() error {
	c := s.chance
	for range c.IntN(14) {
		sub, err := s.clients.make(c)
		if err != nil {
			return err
		}
		s.outbox = append(s.outbox, sub)
	}
	for range c.IntN(16) {
		if len(s.outbox) == 0 {
			break
		}
		i := c.IntN(min(len(s.outbox), 10))
		sub := s.outbox[i]
		s.outbox = append(s.outbox[:i], s.outbox[i+1:]...)
		if err := s.hand(sub); err != nil {
			return err
		}
	}
	for range c.IntN(4) {
		if sub := s.old(); sub != nil {
			if err := s.hand(sub); err != nil {
				return err
			}
		}
	}
	return nil
}

// hand gives a submission to this node, or to another one that does not check what it passes on.
func (s *simulation) hand(sub *submission) error {
	if s.happens(Orders, 40) && len(sub.raw) > 0 {
		item := s.slipped(sub)
		s.line.slip(item)
		return nil
	}
	return s.offer(sub)
}

// old is something to send again: what was not answered, or any message of the past.
func (s *simulation) old() *submission {
	c := s.luck[Repeats]
	if len(s.unanswered) > 0 && c.percent(70) {
		i := c.IntN(len(s.unanswered))
		sub := s.unanswered[i]
		s.unanswered = append(s.unanswered[:i], s.unanswered[i+1:]...)
		return sub
	}
	if !s.troubled(Repeats) || len(s.clients.all) == 0 {
		return nil
	}
	all := s.clients.all
	if c.percent(50) {
		all = all[max(0, len(all)-40):]
	}
	return pick(c, all)
}

// turn lets the node work off some of what waits.
func (s *simulation) turn() error {
	for range 1 + s.chance.IntN(4) {
		if len(s.flights) > 0 && (len(s.flights) > 2 || s.chance.percent(50)) {
			if err := s.land(); err != nil {
				return err
			}
			continue
		}
		if err := s.advance(); err != nil {
			return err
		}
	}
	return nil
}

// advance takes the next batch; through all stages, or up to the disk.
func (s *simulation) advance() error {
	if len(s.flights) == 0 && !s.line.ready(s.engine.NextDue()) {
		return nil
	}
	before := s.line.taken().Sequence
	finish, err := s.execute()
	if errors.Is(err, errIdle) {
		return nil
	}
	if b := s.line.taken(); b.Sequence != before {
		s.trace.line("batch %d at %d: %d items", b.Sequence, b.Now, len(b.Items))
		s.flights = append(s.flights, flight{batch: b, finish: finish})
	}
	if err != nil {
		return s.fallen(err)
	}
	if finish == nil {
		return s.settled()
	}
	return nil
}

func (s *simulation) execute() (func() error, error) {
	if s.Advance != nil {
		return s.Advance(s.engine)
	}
	return nil, s.engine.Step(background)
}

// land makes the oldest batch in flight durable.
func (s *simulation) land() error {
	if err := s.flights[0].finish(); err != nil {
		return s.fallen(err)
	}
	return s.settled()
}

// fallen is what happens when the engine gives up: it must have had a reason.
func (s *simulation) fallen(err error) error {
	clock := errors.Is(err, order.ErrClockBehind)
	if clock && !s.behind() || !clock && !s.disk.failing() {
		return fmt.Errorf("the engine stopped without a fault: %w", err)
	}
	if clock {
		s.report.Seen["clock behind"]++
	}
	return s.crash("the engine stops")
}

// slipped is an item of another node.
func (s *simulation) slipped(sub *submission) ledger.Item {
	item := ledger.Item{Format: sub.format, Raw: append([]byte{}, sub.raw...)}
	s.calls[&item.Raw[0]] = &call{submission: sub, raw: item.Raw}
	s.trace.line("slip %d", sub.n)
	return item
}
