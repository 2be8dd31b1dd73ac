package domain

import "slices"

// Check refuses effects that break a limit or a law which holds for every kind: postings
// take only from the sender's own account or from escrows of the kind itself (so a
// deadline, which has no sender, moves only what a contract holds), and only cash kinds may issue.
// The refusal is deterministic and rejects the whole command.
func (fx Effects) Check(kind Kind, in Input) error {
	counts := []struct {
		what     string
		n, limit int
	}{
		{"writes", len(fx.Writes), MaxWrites}, {"events", len(fx.Events), MaxEvents},
		{"postings", len(fx.Postings), MaxPostings}, {"deadlines", len(fx.Deadlines), MaxDeadlines},
		{"watches", len(fx.Watches), MaxWatches},
	}
	for _, c := range counts {
		if c.n > c.limit {
			return Refuse(LimitExceeded, "%d %s, limit %d", c.n, c.what, c.limit)
		}
	}
	for _, p := range fx.Postings {
		if err := p.check(kind, in, fx.Events); err != nil {
			return err
		}
	}
	for _, w := range fx.Writes {
		if err := w.check(); err != nil {
			return err
		}
	}
	for _, e := range fx.Events {
		if err := e.check(); err != nil {
			return err
		}
	}
	for _, d := range fx.Deadlines {
		if err := d.check(); err != nil {
			return err
		}
	}
	for _, w := range fx.Watches {
		if err := w.check(); err != nil {
			return err
		}
	}
	return nil
}

func (w Write) check() error {
	if len(w.Parties) > MaxRecordParties {
		return Refuse(LimitExceeded, "record names %d parties, limit %d", len(w.Parties), MaxRecordParties)
	}
	if len(w.Body) > MaxCommandBytes {
		return Refuse(TooLarge, "record of %d bytes, limit %d", len(w.Body), MaxCommandBytes)
	}
	if !slices.IsSorted(w.Parties) || w.Status == "" {
		return Refuse(Malformed, "record needs a status and sorted parties")
	}
	if w.HeldFor != "" && !slices.Contains(w.Parties, w.HeldFor) {
		return Refuse(Malformed, "record holds money for %s, whom it does not name", w.HeldFor)
	}
	return CheckKey(w.Key)
}

func (e Event) check() error {
	if len(e.Parties) > MaxRecordParties {
		return Refuse(LimitExceeded, "event names %d parties, limit %d", len(e.Parties), MaxRecordParties)
	}
	if len(e.Body) > MaxCommandBytes {
		return Refuse(TooLarge, "event of %d bytes, limit %d", len(e.Body), MaxCommandBytes)
	}
	if !slices.IsSorted(e.Parties) || e.Name == "" {
		return Refuse(Malformed, "event needs a name and sorted parties")
	}
	return CheckKey(e.Key)
}

func (w Watch) check() error {
	if w.Until < 0 {
		return Refuse(Malformed, "watch until %d: want an instant from 1970 on", int64(w.Until))
	}
	return CheckID("watch subject", w.Subject)
}

func (d Deadline) check() error {
	if d.At < 0 || !Internal(d.Name) {
		return Refuse(Malformed, "deadline %.40q: want an instant from 1970 on and a name with an upper-case initial", d.Name)
	}
	return CheckID("deadline contract", d.Contract)
}
