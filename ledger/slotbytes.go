package ledger

import "aval/domain/canon"

// encode gives the bytes of canon.Marshal without its reflection: a batch encodes each slot
// that it touches twice, as it was and as it is. Members come in the order of their encoded names.
func (s *slot) encode() ([]byte, error) {
	var w canon.Writer
	w.Grow(96 + len(s.Key) + len(s.Body) + 24*len(s.Parties))
	w.Map(2 + s.optional())
	if s.At != 0 {
		w.Name("at")
		w.Int(int64(s.At))
	}
	w.Name("key")
	w.Text(s.Key)
	if len(s.Body) > 0 {
		w.Name("body")
		w.Bytes(s.Body)
	}
	if s.Kind != "" {
		w.Name("kind")
		w.Text(string(s.Kind))
	}
	if s.Name != "" {
		w.Name("name")
		w.Text(s.Name)
	}
	w.Name("type")
	w.Text(string(s.Type))
	if err := s.encodeRest(&w); err != nil {
		return nil, err
	}
	return w.Finish()
}

func (s *slot) encodeRest(w *canon.Writer) error {
	if s.Final {
		w.Name("final")
		w.True()
	}
	if s.Minor != 0 {
		w.Name("minor")
		w.Int(s.Minor)
	}
	if s.Watch != nil {
		watch, err := canon.Marshal(s.Watch)
		if err != nil {
			return err
		}
		w.Name("watch")
		w.Item(watch)
	}
	if s.Status != "" {
		w.Name("status")
		w.Text(s.Status)
	}
	if s.HeldFor != "" {
		w.Name("heldFor")
		w.Text(string(s.HeldFor))
	}
	if len(s.Parties) > 0 {
		w.Name("parties")
		w.Array(len(s.Parties))
	}
	for _, party := range s.Parties {
		w.Text(string(party))
	}
	return nil
}

// optional counts the members beside key and type that the slot has.
func (s *slot) optional() (n int) {
	for _, has := range [...]bool{
		s.At != 0, len(s.Body) > 0, s.Kind != "", s.Name != "", s.Final, s.Minor != 0, s.Watch != nil, s.Status != "", s.HeldFor != "", len(s.Parties) > 0,
	} {
		if has {
			n++
		}
	}
	return n
}
