//===- MinCut.cpp - Dinic's algorithm on split vertices -------------------===//
#include "enzyme_pass/plan/MinCut.h"
#include <algorithm>

namespace pyfront {

unsigned MinCut::addVertex(double Weight) {
  unsigned V = Vertices++;
  Arcs.resize(2 + 2 * Vertices);
  addArc(in(V), out(V), Weight);
  return V;
}

void MinCut::addArc(unsigned From, unsigned To, double Capacity) {
  Arcs[From].push_back({To, Capacity, static_cast<unsigned>(Arcs[To].size())});
  Arcs[To].push_back({From, 0, static_cast<unsigned>(Arcs[From].size() - 1)});
}

void MinCut::addEdge(unsigned From, unsigned To) {
  addArc(out(From), in(To), Infinite);
}

void MinCut::setPrice(unsigned V, double Price) {
  if (Price > 0)
    addArc(Source, in(V), Price);
}

void MinCut::setWanted(unsigned V) { addArc(out(V), Sink, Infinite); }

bool MinCut::level() {
  Level.assign(Arcs.size(), -1);
  std::vector<unsigned> Queue{Source};
  Level[Source] = 0;
  for (size_t I = 0; I < Queue.size(); ++I)
    for (const Arc &A : Arcs[Queue[I]])
      if (A.Capacity > 0 && Level[A.To] < 0) {
        Level[A.To] = Level[Queue[I]] + 1;
        Queue.push_back(A.To);
      }
  return Level[Sink] >= 0;
}

double MinCut::push(unsigned Node, double Limit) {
  if (Node == Sink)
    return Limit;
  for (unsigned &I = Next[Node]; I < Arcs[Node].size(); ++I) {
    Arc &A = Arcs[Node][I];
    if (A.Capacity <= 0 || Level[A.To] != Level[Node] + 1)
      continue;
    double Sent = push(A.To, std::min(Limit, A.Capacity));
    if (Sent <= 0)
      continue;
    if (A.Capacity < Infinite)
      A.Capacity -= Sent;
    Arc &Back = Arcs[A.To][A.Reverse];
    if (Back.Capacity < Infinite)
      Back.Capacity += Sent;
    return Sent;
  }
  return 0;
}

double MinCut::solve() {
  double Total = 0;
  while (level()) {
    Next.assign(Arcs.size(), 0);
    while (double Sent = push(Source, Infinite))
      Total += Sent;
  }
  // The sink's side of the cut: all from which the sink can still be reached.
  std::vector<bool> ReachesSink(Arcs.size(), false);
  std::vector<unsigned> Queue{Sink};
  ReachesSink[Sink] = true;
  for (size_t I = 0; I < Queue.size(); ++I)
    for (const Arc &A : Arcs[Queue[I]]) {
      const Arc &Towards = Arcs[A.To][A.Reverse];
      if (Towards.Capacity > 0 && !ReachesSink[A.To]) {
        ReachesSink[A.To] = true;
        Queue.push_back(A.To);
      }
    }
  Kept.assign(Vertices, false);
  for (unsigned V = 0; V < Vertices; ++V)
    Kept[V] = !ReachesSink[in(V)] && ReachesSink[out(V)];
  return Total;
}

} // namespace pyfront
