// A session that is closing refuses to send, which is just what an echo wants.
#include "ws/echo.hpp"

namespace sluice::ws {

void Echo::operator()(const Event& event, Session& session) const {
  const Data* data = std::get_if<Data>(&event);
  if (!data) return;
  if (data->first && data->last) {
    (void)session.send(data->type, data->bytes);
    return;
  }
  if (data->first) (void)session.begin(data->type);
  (void)session.append(data->bytes);
  if (data->last) (void)session.end();
}

}  // namespace sluice::ws
