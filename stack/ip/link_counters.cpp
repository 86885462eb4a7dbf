// What the link counts, by name.
#include "stack/ip/link.hpp"

namespace sluice::ip {

std::string_view name(LinkCounter counter) noexcept {
  switch (counter) {
    case LinkCounter::frames_in: return "frames_in";
    case LinkCounter::frames_out: return "frames_out";
    case LinkCounter::tagged_in: return "tagged_in";
    case LinkCounter::drop_truncated: return "drop_truncated";
    case LinkCounter::drop_length_field: return "drop_length_field";
    case LinkCounter::drop_other_vlan: return "drop_other_vlan";
    case LinkCounter::drop_other_host: return "drop_other_host";
    case LinkCounter::drop_source_group: return "drop_source_group";
    case LinkCounter::drop_own_source: return "drop_own_source";
    case LinkCounter::drop_unknown_type: return "drop_unknown_type";
    case LinkCounter::arp_in: return "arp_in";
    case LinkCounter::arp_requests_out: return "arp_requests_out";
    case LinkCounter::arp_replies_out: return "arp_replies_out";
    case LinkCounter::drop_arp_malformed: return "drop_arp_malformed";
    case LinkCounter::drop_arp_sender: return "drop_arp_sender";
    case LinkCounter::discovery_in: return "discovery_in";
    case LinkCounter::solicitations_out: return "solicitations_out";
    case LinkCounter::advertisements_out: return "advertisements_out";
    case LinkCounter::drop_discovery_malformed: return "drop_discovery_malformed";
    case LinkCounter::redirects_taken: return "redirects_taken";
    case LinkCounter::drop_redirect: return "drop_redirect";
    case LinkCounter::neighbour_lost: return "neighbour_lost";
    case LinkCounter::drop_unresolved: return "drop_unresolved";
    case LinkCounter::drop_no_route: return "drop_no_route";
    case LinkCounter::drop_outbox_full: return "drop_outbox_full";
    case LinkCounter::count: break;
  }
  return "";
}

}  // namespace sluice::ip
