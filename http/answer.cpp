// One line of text, or none, and what is allowed.
#include "http/answer.hpp"

#include <utility>

namespace sluice::http {

Answer status_answer(int status) {
  Answer answer;
  answer.response.status = status;
  answer.response.fields.add("Content-Type", "text/plain; charset=utf-8");
  answer.body = std::to_string(status).append(" ").append(reason_phrase(status)).append("\n");
  return answer;
}

Answer not_allowed_answer(std::string allowed) {
  Answer answer = status_answer(405);
  answer.response.fields.add("Allow", std::move(allowed));
  return answer;
}

Answer options_answer(std::string allowed) {
  Answer answer;
  answer.response.status = 204;
  answer.response.fields.add("Allow", std::move(allowed));
  return answer;
}

}  // namespace sluice::http
