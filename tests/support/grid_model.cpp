// The model's paragraphs, in the RFC's order. Where the stack differs from the letter on purpose (docs/tcp.md), the
// model says "ours:"; a cell that depends on it is there to be read, not to be believed.
#include "tests/support/grid_model.hpp"

#include <algorithm>

namespace sluice::test::grid {
namespace {

std::string line(const char* flags, Number seq, Number text, std::optional<Number> ack) {
  std::string written = std::string(flags) + " " + std::to_string(seq) + ":" + std::to_string(seq + text) + "(" +
                        std::to_string(text) + ")";
  if (ack) written += " ack " + std::to_string(*ack);
  return written;
}

void add(std::string& took, const std::string& what) { took = took == "-" ? what : took + ", " + what; }

// One event under way: the block as it changes, and what was found out.
struct Run {
  Block block;
  Arrival seg;
  Outcome outcome;
  Number whole_seq = 0;  ///< SEG.SEQ before it was trimmed
  bool ack_due = false;

  Outcome stop(State next) {
    outcome.next = next;
    return outcome;
  }
  Outcome stop() { return stop(block.state); }
  // <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
  Outcome acknowledge() {
    outcome.reply = line(".", block.nxt, 0, block.rcv_nxt);
    return stop();
  }
  Outcome challenge() {
    acknowledge();
    if (ack_due) return outcome;  // one that was due anyway says the same
    outcome.reply += " challenge";
    return stop();
  }
  // 3.5.2: <SEQ=SEG.ACK><CTL=RST>, or <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.
  Outcome reset() {
    outcome.reply = seg.ack ? line("R", seg.ack_number, 0, std::nullopt) : line("R.", 0, 0, seg.end());
    return stop();
  }
};

// 3.10.7.1: all of it is foreign.
Outcome in_closed(Run run) { return run.seg.rst ? run.stop() : run.reset(); }

// 3.10.7.2
Outcome in_listen(Run run) {
  if (run.seg.rst) return run.stop();
  if (run.seg.ack) return run.reset();
  if (!run.seg.syn) return run.stop();
  // ours: text and FIN beside the SYN are not taken, the peer repeats them; so only the SYN is acknowledged.
  run.outcome.reply = line("S.", 0, 0, run.seg.seq + 1);
  return run.stop(State::syn_received);
}

// 3.10.7.3
Outcome in_syn_sent(Run run) {
  const Arrival& seg = run.seg;
  const bool ack_good = seg.ack && 0 < seg.ack_number && seg.ack_number <= run.block.nxt;
  if (seg.ack && !ack_good) return seg.rst ? run.stop() : run.reset();
  if (seg.rst) {
    if (!ack_good) return run.stop();
    return run.stop(State::closed);
  }
  if (!seg.syn) return run.stop();
  run.block.rcv_nxt = seg.seq + 1;
  if (!ack_good) {
    run.outcome.reply = line("S.", 0, 0, run.block.rcv_nxt);
    add(run.outcome.took, "window");
    return run.stop(State::syn_received);
  }
  run.block.state = State::established;
  add(run.outcome.took, "acked 1");
  add(run.outcome.took, "window");
  // "Other controls or text": on at the sixth step, one number further.
  if (seg.urg && seg.urgent > 0) add(run.outcome.took, "urgent");
  if (seg.text > 0) add(run.outcome.took, "text " + std::to_string(seg.text));
  run.block.rcv_nxt += seg.text;
  if (seg.fin) {
    run.block.rcv_nxt += 1;
    run.block.state = State::close_wait;
  }
  return run.acknowledge();
}

// 3.10.7.4 first: the table of four cases.
bool acceptable(const Block& block, const Arrival& seg) {
  const Number window = block.rcv_edge - block.rcv_nxt;
  const auto inside = [&block](Number number) { return block.rcv_nxt <= number && number < block.rcv_edge; };
  if (seg.length() == 0 && window == 0) return seg.seq == block.rcv_nxt;
  // ours: an empty segment may stand at the right edge as well.
  if (seg.length() == 0) return inside(seg.seq) || seg.seq == block.rcv_edge;
  if (window == 0) return false;
  return inside(seg.seq) || inside(seg.seq + seg.length() - 1);
}

// What lies outside the window goes, left and right, SYN and FIN included. A SYN that is left over lies inside.
void trim(const Block& block, Arrival& seg) {
  if (seg.syn) return;  // it ends the processing before its text matters
  if (seg.seq < block.rcv_nxt && seg.length() > 0) {
    const Number old = std::min(block.rcv_nxt - seg.seq, seg.text);
    seg.text -= old;
    seg.seq += old;
  }
  if (seg.fin && seg.end() - 1 >= block.rcv_edge) seg.fin = false;
  if (seg.seq + seg.text > block.rcv_edge) seg.text = std::max<Number>(0, block.rcv_edge - seg.seq);
}

// RFC 5961 3; RFC 1337 for TIME-WAIT.
Outcome reset_arrives(Run& run) {
  const Block& block = run.block;
  if (block.state == State::time_wait) return run.stop();
  if (run.seg.seq == block.rcv_nxt) {
    if (block.state == State::syn_received && block.passive) return run.stop(State::listen);
    return run.stop(State::closed);
  }
  const bool inside = block.rcv_nxt < run.seg.seq && run.seg.seq < block.rcv_edge;
  return inside ? run.challenge() : run.stop();
}

// The fifth step, from ESTABLISHED on. False: the segment is dealt with, the outcome stands.
bool take_ack(Run& run) {
  Block& block = run.block;
  const Number ack = run.seg.ack_number;
  if (ack > block.nxt || ack < block.una - block.max_wnd) {  // RFC 5961 5
    run.challenge();
    return false;
  }
  if (ack > block.una) {
    add(run.outcome.took, "acked " + std::to_string(ack - block.una));
    block.una = ack;
  }
  // ours: what counts is where the segment began, not where the trimmed one does; an old copy says nothing new.
  const bool newer = block.wl1 < run.whole_seq || (block.wl1 == run.whole_seq && block.wl2 <= ack);
  if (ack >= block.una && newer && block.state != State::time_wait) {
    if (block.wnd != run.seg.window) add(run.outcome.took, "window");
    block.wnd = run.seg.window;
  }
  const bool fin_acked = block.fin_sent && block.una == block.nxt;
  switch (block.state) {
    case State::fin_wait_1:
      if (fin_acked) block.state = State::fin_wait_2;
      return true;
    case State::closing: run.stop(fin_acked ? State::time_wait : State::closing); return false;
    case State::last_ack: run.stop(fin_acked ? State::closed : State::last_ack); return false;
    // "Only the peer's FIN again can arrive": that one is too old for the first step. Anything else says nothing.
    case State::time_wait: run.stop(); return false;
    default: return true;
  }
}

bool receives_text(State state) {
  return state == State::established || state == State::fin_wait_1 || state == State::fin_wait_2;
}

// Sixth to eighth. REQUIRES a trimmed segment.
Outcome take_content(Run& run) {
  Block& block = run.block;
  const Arrival& seg = run.seg;
  if (!receives_text(block.state)) return run.stop();  // text and FIN behind the peer's FIN are ignored
  if (seg.urg && seg.seq + seg.urgent > block.rcv_nxt - block.unread) add(run.outcome.took, "urgent");
  if (seg.text > 0) {
    if (block.let_go) {  // 3.6.1: nobody will read it
      run.outcome.reply = line("R.", block.nxt, 0, block.rcv_nxt);
      return run.stop(State::closed);
    }
    run.ack_due = true;
    if (seg.seq == block.rcv_nxt) {
      block.rcv_nxt += seg.text;
      add(run.outcome.took, "text " + std::to_string(seg.text));
    }
  }
  if (seg.fin) {
    run.ack_due = true;
    if (seg.end() - 1 == block.rcv_nxt) {
      block.rcv_nxt += 1;
      const bool ours_acked = block.state == State::fin_wait_2;
      block.state = block.state == State::established ? State::close_wait
                    : ours_acked                      ? State::time_wait
                                                      : State::closing;
    }
  }
  return run.ack_due ? run.acknowledge() : run.stop();
}

Outcome refuse(Run& run) {
  if (run.seg.rst) return run.stop();
  const bool syn_again = run.block.state == State::syn_received && run.seg.syn && run.seg.seq == 0;
  if (syn_again) {  // ours: the SYN,ACK instead of the ACK
    run.outcome.reply = line("S.", 0, 0, run.block.rcv_nxt);
    return run.stop();
  }
  if (run.block.state == State::time_wait && run.seg.fin && run.seg.end() == run.block.rcv_nxt)
    add(run.outcome.took, "2 MSL anew");
  return run.acknowledge();
}

Outcome in_all_others(Run run) {
  Block& block = run.block;
  Arrival& seg = run.seg;
  // 3.10.7.4 fourth, TIME-WAIT [MAY-2]: a SYN that can't be old, while somebody listens, opens anew.
  const bool opens = seg.syn && !seg.ack && !seg.rst;
  if (block.state == State::time_wait && block.passive && opens && seg.seq >= block.rcv_nxt) return in_listen(run);
  if (block.timestamps && !seg.rst) {  // RFC 7323 3.2 and 5.3
    if (seg.stamp == Stamp::none && !seg.syn) return run.stop();
    if (seg.stamp == Stamp::old) return run.acknowledge();
  }
  // Appendix A.2 of RFC 9293's predecessors and figure 8: the SYN,ACK that answers a crossed SYN is an ACK.
  if (block.state == State::syn_received && !block.passive && seg.syn && seg.ack && seg.seq == 0) {
    seg.syn = false;
    seg.seq = 1;
  }
  if (!acceptable(block, seg)) {
    // "Special allowance" for a closed window: ACK, URG and RST count, text and FIN don't; the answer tells of the
    // window. ours: also where a segment begins in old text and reaches over the edge.
    const bool at_edge = seg.seq <= block.rcv_nxt && block.rcv_nxt <= seg.end() - (seg.seq < block.rcv_nxt ? 1 : 0);
    if (block.rcv_edge != block.rcv_nxt || !at_edge || seg.syn) return refuse(run);
    run.ack_due = !seg.rst;
    seg.text = 0;
    seg.fin = false;
  }
  run.whole_seq = seg.seq;
  trim(block, seg);
  if (seg.rst) return reset_arrives(run);
  if (seg.syn) {
    if (block.state == State::syn_received && block.passive) return run.stop(State::listen);
    return run.challenge();
  }
  if (!seg.ack) return run.ack_due ? run.acknowledge() : run.stop();
  if (block.state == State::syn_received) {
    const bool good = block.una < seg.ack_number && seg.ack_number <= block.nxt;
    if (!good) return run.reset();
    block.state = State::established;
  }
  if (!take_ack(run)) return run.outcome;
  return take_content(run);
}

bool synchronized_and_sending(State state) { return state == State::established || state == State::close_wait; }

std::string error(Errc why) { return "error: " + std::string(describe(why)); }

bool outstanding(const Block& block) { return block.una < block.nxt; }

// The front of the retransmission queue: at most 1000 bytes of text, and our FIN if it is all that is left.
std::string front(const Block& block) {
  if (block.state == State::syn_sent) return line("S", 0, 0, std::nullopt);
  if (block.state == State::syn_received) return line("S.", 0, 0, block.rcv_nxt);
  const Number text = block.nxt - block.una - (block.fin_sent ? 1 : 0);
  return line(text > 0 ? "P." : "F.", block.una, text, block.rcv_nxt);
}

}  // namespace

Outcome segment_arrives(const Block& block, const Arrival& arrival) {
  Run run{block, arrival, {}};
  switch (block.state) {
    case State::closed: return in_closed(run);
    case State::listen: return in_listen(run);
    case State::syn_sent: return in_syn_sent(run);
    default: return in_all_others(run);
  }
}

// 3.10.1
static Outcome open(const Block& block) {
  Outcome outcome{"-", block.state, error(Errc::address_in_use)};  // "connection already exists"
  // ours: the passive OPEN is not turned into the active one; it stays, and a connection comes beside it.
  if (block.state == State::closed || block.state == State::listen)
    return {line("S", 0, 0, std::nullopt), State::syn_sent, "opened"};
  return outcome;
}

// 3.10.2
static Outcome send(const Block& block) {
  if (!block.handle) return {"-", block.state, error(Errc::stale_handle)};  // "connection does not exist"
  if (block.state == State::syn_sent || block.state == State::syn_received) return {"-", block.state, "1000"};
  if (synchronized_and_sending(block.state)) return {line("P.", block.nxt, 1000, block.rcv_nxt), block.state, "1000"};
  return {"-", block.state, error(Errc::connection_closing)};
}

// 3.10.3, with nothing in the queue: our calls don't wait, they say 0.
static Outcome receive(const Block& block) {
  if (!block.handle) return {"-", block.state, error(Errc::stale_handle)};
  if (block.unread > 0) return {line(".", block.nxt, 0, block.rcv_nxt), block.state, "1000"};  // the window opens again
  const bool peer_is_done = block.state == State::close_wait || block.state == State::closing ||
                            block.state == State::last_ack || block.state == State::time_wait;
  return {"-", block.state, peer_is_done ? "end" : "0"};
}

// 3.10.4; `let_go`: the handle goes too.
static Outcome close(const Block& block, bool let_go) {
  if (let_go && block.unread > 0)  // RFC 2525 2.17
    return {line("R.", block.nxt, 0, block.rcv_nxt), State::closed, "-"};
  switch (block.state) {
    case State::closed:
    case State::listen:
    case State::syn_sent: return {"-", State::closed, "-"};
    case State::syn_received:
      // ours: what nobody has accepted goes with its listener, in silence.
      if (block.passive) return {"-", State::closed, "-"};
      return {line("F.", block.nxt, 0, block.rcv_nxt), State::fin_wait_1, "-"};
    case State::established: return {line("F.", block.nxt, 0, block.rcv_nxt), State::fin_wait_1, "-"};
    case State::close_wait: return {line("F.", block.nxt, 0, block.rcv_nxt), State::last_ack, "-"};
    default: return {"-", block.state, "-"};  // "connection closing"
  }
}

// 3.10.5
static Outcome abort(const Block& block) {
  switch (block.state) {
    case State::closed:
    case State::listen:
    case State::syn_sent: return {"-", State::closed, "-"};
    // ours: old segments come whether the user waits or not, so the state stays.
    case State::time_wait: return {"-", State::time_wait, "-"};
    case State::syn_received:
      if (block.passive) return {"-", State::closed, "-"};
      [[fallthrough]];
    // ours: in CLOSING and LAST-ACK too, where the RFC goes in silence: the peer may still lack text of ours.
    default: return {line("R.", block.nxt, 0, block.rcv_nxt), State::closed, "-"};
  }
}

Outcome user_call(const Block& block, Call call) {
  switch (call) {
    case Call::open: return open(block);
    case Call::send: return send(block);
    case Call::receive: return receive(block);
    case Call::close: return close(block, false);
    case Call::close_handle: return close(block, true);
    case Call::abort: return abort(block);
    case Call::status: return {"-", block.state, std::string(name(block.state))};
  }
  return {};
}

// 3.10.8, 3.8.1, 3.8.4, 3.8.6
std::optional<Outcome> timeout(const Block& block, Clock clock) {
  const bool synchronized = is_synchronized(block.state) && block.state != State::time_wait;
  switch (clock) {
    case Clock::retransmission:
      if (!outstanding(block)) return Outcome{"-", block.state, "-"};
      return Outcome{front(block), block.state, "-"};
    case Clock::user_timeout:
      if (!block.handle || block.state == State::time_wait) return std::nullopt;
      if (!outstanding(block)) return Outcome{"-", block.state, "-"};
      // ours: the peer hears of it where there is one.
      return Outcome{synchronized ? line("R.", block.nxt, 0, block.rcv_nxt) : "-", State::closed,
                     error(Errc::timed_out)};
    case Clock::silence: {
      const bool ends = outstanding(block) || block.state == State::time_wait || block.let_go;
      // A connection that never came to be leaves its listener behind.
      const State end = block.state == State::syn_received && block.passive ? State::listen : State::closed;
      return Outcome{"-", ends ? end : block.state, "-"};
    }
    case Clock::persist:
      if (!synchronized_and_sending(block.state)) return std::nullopt;
      return Outcome{line(".", block.nxt, 1, block.rcv_nxt), block.state, "-"};
    case Clock::keep_alive:
      if (!synchronized || !block.handle || block.fin_sent != (block.state == State::fin_wait_2)) return std::nullopt;
      return Outcome{line(".", block.nxt - 1, 0, block.rcv_nxt), block.state, "-"};
    case Clock::keep_alive_last:
      if (!synchronized || !block.handle || block.fin_sent != (block.state == State::fin_wait_2)) return std::nullopt;
      return Outcome{line("R.", block.nxt, 0, block.rcv_nxt), State::closed, error(Errc::timed_out)};
    case Clock::delayed_ack:
      if (!receives_text(block.state) || block.let_go || block.rcv_edge == block.rcv_nxt) return std::nullopt;
      return Outcome{line(".", block.nxt, 0, block.rcv_nxt + 100), block.state, "text 100"};
  }
  return std::nullopt;
}

}  // namespace sluice::test::grid
