package session

// Walking at most n sessions for a page of a list.
func (s *Service) Walking(n int) *Service {
	out := *s
	out.maxWalk = n
	return &out
}
